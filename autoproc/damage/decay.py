"""Scale and relative B against dose, from the scales that observations were given, whatever model gave them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_OBSERVATIONS = 20
"""A part of the dose with fewer observations tells neither scale nor B."""


@dataclass(frozen=True, slots=True, eq=False)
class Decay:
    """Of each part of the dose (K,): scale at zero angle, and B that the crystal gained, Angstrom^2.

    Both relative to the first part that is known; NaN where there is too little.
    """

    scale: np.ndarray
    b: np.ndarray


def decay_of(inverse_scale: np.ndarray, d: np.ndarray, part: np.ndarray, n_parts: int) -> Decay:
    """Fit ln g = ln c - B / (2 d^2) to the scales g (N,) > 0 of the observations in each part of the dose.

    Scaling divides intensities by g, so that a crystal that decays has a g that falls, most at high resolution.
    """
    x, y = 0.5 / d**2, np.log(inverse_scale)
    n = np.bincount(part, minlength=n_parts)
    sum_x, sum_y, sum_xx, sum_xy = (np.bincount(part, v, n_parts) for v in (x, y, x * x, x * y))
    count = np.where(n >= MIN_OBSERVATIONS, n, np.nan)
    spread = sum_xx - sum_x**2 / count
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (sum_xy - sum_x * sum_y / count) / np.where(spread > 0, spread, np.nan)
    level = (sum_y - slope * sum_x) / count
    known = np.flatnonzero(np.isfinite(slope))
    if not len(known):
        return Decay(np.full(n_parts, np.nan), np.full(n_parts, np.nan))
    return Decay(np.exp(level - level[known[0]]), slope[known[0]] - slope)
