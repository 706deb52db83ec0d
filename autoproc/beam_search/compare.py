"""Shifts of the beam centre compared spot by spot: which are clearly worse than the best, and which may be right."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from autoproc.beam_search.score import SpotPositions, refine_shift
from autoproc.models.experiment import Experiment


@dataclass(frozen=True, slots=True, eq=False)
class ShiftFit:
    """A shift (2,), mm, refined with the periods (K, 3); values (N, K): cos(2 pi r . t) of each spot and period."""

    shift: np.ndarray
    periods: np.ndarray
    values: np.ndarray

    @property
    def agreements(self) -> np.ndarray:
        """(K,) mean over the spots, of each period."""
        return self.values.mean(axis=0)


def fit_shift(
    experiment: Experiment,
    spots: SpotPositions,
    periods: np.ndarray,
    shift: np.ndarray,
    reach: float,
    n_rounds: int = 2,
) -> ShiftFit:
    """The shift within `reach` mm of a start, and the periods, that agree best with the spots."""
    for _ in range(n_rounds):
        points, derivative = spots.reciprocal(experiment, shift), spots.derivative(experiment, shift)
        change, periods = refine_shift(points, derivative, periods, reach)
        shift = shift + change
    return ShiftFit(shift, periods, np.cos(2 * np.pi * (spots.reciprocal(experiment, shift) @ periods.T)))


def advantage(one: np.ndarray, other: np.ndarray) -> float:
    """By how many standard errors the spots agree better with one shift than with another.

    one, other : (N,) agreement of each spot. Both are of the same spots, so that what makes a spot agree badly with
    any shift does not count.
    """
    if not len(one):
        return 0.0
    difference = one - other
    error = float(np.std(difference)) / sqrt(len(difference))
    return float(np.mean(difference)) / error if error > 0 else 0.0


def confidence(standard_errors: float) -> float:
    """Probability, 0 to 1, that a shift with such an advantage over its nearest rival is the better one.

    The errors of detectors and of cells are alike for many spots: an advantage counts for half of what it would be
    if they were all independent.
    """
    return 0.5 * (1 + erf(0.5 * standard_errors / sqrt(2)))
