"""Are the indices off by one? With a beam centre wrong by about a lattice spacing they fit nearly as well."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from autoproc.indexing.assign import Assignment
from autoproc.indexing.least_squares import LatticeFit, left_with_other_indices, refine_model
from autoproc.indexing.model import Model
from autoproc.indexing.reciprocal_spots import ReciprocalSpots
from autoproc.robust import robust_sigma

N_SPOTS = 600
MIN_SPOTS = 20
N_QUICK_SPOTS = 150
QUICK_CYCLES = 2
FULL_CYCLES = 4
PROMISING = 2.0
POSSIBLE = 30.0
"""Times the residuals, within which a shift has to come by one linear step to be tried at all. Of five real sweeps and
four simulated ones, those that came within twice the residuals in the end came within 1.2 to 5.4 times by this step."""
MAX_MOVE = 6.0
"""mm; a beam centre further off is no error of a header but another mount."""
CLEAR_GAIN = 20.0
"""Nats by which a shifted origin must tell the spots' places better: one model in 5e8 by chance."""
LEAST_RATIO = 1.01
"""Times smaller that residuals must be, the mean of x, y and phi: less is within what imperfect detectors do."""


@dataclass(frozen=True, slots=True, eq=False)
class ShiftedIndices:
    """Indices shifted by `shift`, the model refined with them.

    gain : log likelihood of the spots' places beyond that of the indices as they are, nats; ratio : how many times
        smaller the residuals are
    """

    shift: tuple[int, int, int]
    gain: float
    ratio: float
    model: Model


def neighbouring_origins(model: Model, spots: ReciprocalSpots, assignment: Assignment) -> list[ShiftedIndices]:
    """The first lattice with its indices shifted by -1, 0 or 1 each, refined anew; the best first.

    Only those that come within twice the residuals of the indices as they are. Empty for several sweeps, where
    one beam centre cannot shift all indices alike, and for too few spots.
    """
    rows = np.flatnonzero(assignment.lattice == 0)
    if len(model.sweeps) > 1 or len(rows) < MIN_SPOTS:
        return []
    rows = rows[:: max(1, -(-len(rows) // N_SPOTS))]
    spots, hkl = spots[rows], assignment.hkl[rows]
    alone = model.with_settings(model.settings[:1])
    present = _spread(_refit(alone, spots, hkl, FULL_CYCLES))
    some = np.arange(0, len(rows), max(1, len(rows) // N_QUICK_SPOTS))
    quick = _spread(_refit(alone, spots[some], hkl[some], QUICK_CYCLES))
    found = []
    for shift in _possible_shifts(alone, spots[some], hkl[some]):
        if _is_promising(alone, spots[some], hkl[some], shift, quick):
            origin = _tried(alone, spots, hkl, shift, present)
            found += [origin] if origin is not None else []
    return sorted(found, key=lambda origin: -origin.gain)


def is_shift_likely(origins: list[ShiftedIndices]) -> bool:
    """The best of the neighbouring origins explains the spots clearly better."""
    return bool(origins) and origins[0].gain > CLEAR_GAIN and origins[0].ratio > LEAST_RATIO


def _possible_shifts(model: Model, spots: ReciprocalSpots, hkl: np.ndarray) -> list[tuple[int, ...]]:
    """Those that a move of the detector and a change of the lattice can make up for, to first order."""
    shifts = [shift for shift in product((-1, 0, 1), repeat=3) if any(shift)]
    inner = np.abs(hkl).max(axis=1) <= 1
    if np.count_nonzero(~inner) < MIN_SPOTS:
        return shifts
    spots, hkl = spots[~inner], hkl[~inner]
    left = left_with_other_indices(model, spots, hkl + np.array([(0, 0, 0), *shifts])[:, None, :])
    present, *others = (robust_sigma(one) for one in left)
    return [shift for shift, one in zip(shifts, others, strict=True) if _ratio(present, one) > 1 / POSSIBLE]


def _is_promising(
    model: Model, spots: ReciprocalSpots, hkl: np.ndarray, shift: tuple[int, ...], present: np.ndarray
) -> bool:
    """A few spots tell of most shifts that they are nowhere near."""
    shifted = hkl + np.array(shift, hkl.dtype)
    kept = np.any(shifted != 0, axis=1)
    fit = _refit(model, spots[kept], shifted[kept], QUICK_CYCLES)
    return _ratio(present, _spread(fit)) > 0.7 / PROMISING


def _tried(
    model: Model, spots: ReciprocalSpots, hkl: np.ndarray, shift: tuple[int, ...], present: np.ndarray
) -> ShiftedIndices | None:
    shifted = hkl + np.array(shift, hkl.dtype)
    kept = np.any(shifted != 0, axis=1)
    fit = _refit(model, spots[kept], shifted[kept], QUICK_CYCLES + FULL_CYCLES)
    ratio = _ratio(present, _spread(fit))
    panel = fit.model.sweeps[0].detector[0]
    move = fit.model.moves[0, :3]
    if not ratio > 1 / PROMISING or np.hypot(move @ panel.fast_axis, move @ panel.slow_axis) > MAX_MOVE:
        return None
    a, b, c = shift
    return ShiftedIndices((a, b, c), 3 * len(fit.used) * float(np.log(ratio)), ratio, fit.model)


def _refit(model: Model, spots: ReciprocalSpots, hkl: np.ndarray, n_cycles: int) -> LatticeFit:
    everything = Assignment(np.zeros(len(spots), int), hkl)
    return refine_model(model, spots, everything, n_cycles=n_cycles)


def _spread(fit: LatticeFit) -> np.ndarray:
    """(3,) robust standard deviations of the residuals of all spots."""
    return robust_sigma(fit.residuals) if len(fit.residuals) else np.full(3, np.inf)


def _ratio(present: np.ndarray, other: np.ndarray) -> float:
    """How many times smaller `other` is, the geometric mean over x, y and phi."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.exp(np.mean(np.log(present / other))))
    return ratio if np.isfinite(ratio) else 0.0
