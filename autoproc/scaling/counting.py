"""Counting variances from the expected intensity instead of the observed one.

By Poisson's law the variance of an observation holds its own photons, so that weights 1/variance favour those that
happened to come out low, and weighted means of weak reflections come out low with them. What the variance
would be had the observation come out as its equivalents expect does not depend on its own chance. How
steeply variances follow the photons, above and below what is expected, is read from the data: 1 for
summation, else for profile fits, less where integration has already drawn its variances to a mean.
"""

from __future__ import annotations

import numpy as np

from autoproc.geometry.shells import equal_volume_shells
from autoproc.threads import map_in_order

PER_CELL = 500
MAX_CELLS = 30
MIN_OBSERVATIONS = 100
KNOTS = (0.0, 1.0, 3.0)
"""Standard uncertainties from the expected intensity at which the slope may change, on either side."""
MAX_DEVIATION = 8.0
"""Standard uncertainties beyond which an observation does not tell the slopes."""
MAX_FACTOR_DEVIATION = 4.0
MAX_LOG_FACTOR = 3.0
"""Variances that would have to change by more than 20 times do not come from counting."""
LEAST = 0.3
"""No variance falls below this part of what is usual for the expected photons and the background."""
N_SHELLS = 20
FEW = 20_000
"""Fewer observations are done sooner than threads are begun."""


def steadied(
    value: np.ndarray, variance: np.ndarray, expected: np.ndarray, background: np.ndarray, use: np.ndarray
) -> np.ndarray:
    """(N,) variances that the expected numbers of photons imply.

    value, variance : (N,) observed, photons, photons^2; expected : (N,) photons, >= 0
    background : (N,) variance of the background under each peak, photons^2, or any constant if that is not known
    use : (N,) bool, observations that tell the slopes, no outliers
    Observations of similar expected intensity are treated alike. Too few, and variances stay as they are.
    """
    n_use = np.count_nonzero(use)
    if n_use < MIN_OBSERVATIONS:
        return variance
    edges = np.quantile(expected[use], np.linspace(0, 1, int(np.clip(n_use // PER_CELL, 1, MAX_CELLS)) + 1)[1:-1])
    cell = np.searchsorted(edges, expected)
    cells = [np.flatnonzero(cell == n) for n in range(len(edges) + 1)]
    cells = [rows for rows in cells if np.count_nonzero(use[rows]) >= MIN_OBSERVATIONS]

    def of_cell(rows: np.ndarray) -> np.ndarray:
        deviation = value[rows] - expected[rows]
        return _steadied_alike(deviation, variance[rows], expected[rows], background[rows], use[rows])

    result = variance.copy()
    for rows, steady in zip(cells, map_in_order(of_cell, cells, 1 if len(value) < FEW else 0), strict=True):
        result[rows] = steady
    return result


def _steadied_alike(
    deviation: np.ndarray, variance: np.ndarray, expected: np.ndarray, background: np.ndarray, use: np.ndarray
) -> np.ndarray:
    """The variances of observations of similar expected intensity, each with the rise due to its deviation taken off.

    What a straight sum of rises leaves, of variances that do not add up so simply, is taken off as a factor.
    """
    typical = np.full(len(variance), np.median(variance[use]))
    terms = np.empty((3 + 2 * len(KNOTS), len(variance)))  # a row each, which LAPACK takes as its columns
    terms[0], terms[1], terms[2] = 1.0, expected, background
    smooth, rises = terms[:3], terms[3:]
    for _ in range(2):
        sigma = np.sqrt(typical)
        near = np.flatnonzero(use & (np.abs(deviation) < MAX_DEVIATION * sigma))
        _fill_rises(rises, deviation, sigma)
        weighted = terms.take(near, axis=1)
        weighted /= typical[near]
        fit = np.linalg.lstsq(weighted.T, variance[near] / typical[near], rcond=1e-9)[0]
        typical = np.maximum(fit[:3] @ smooth, 0.1 * np.median(typical))
    steady = np.maximum(variance - fit[3:] @ rises, LEAST * typical)
    inner = np.clip(deviation / np.sqrt(typical), -MAX_FACTOR_DEVIATION, MAX_FACTOR_DEVIATION)
    _fill_rises(rises, inner, 1.0)
    factors = np.concatenate([rises.take(near, axis=1), np.ones((1, len(near)))])
    left = np.linalg.lstsq(factors.T, np.log(steady[near] / typical[near]), rcond=1e-9)[0]
    return steady * np.exp(-np.clip(left[:-1] @ rises, -MAX_LOG_FACTOR, MAX_LOG_FACTOR))


def _fill_rises(rises: np.ndarray, deviation: np.ndarray, sigma: np.ndarray | float) -> None:
    """Write (2 len(KNOTS), N) piecewise linear functions of deviations (N,), 0 where there is none."""
    for above, below, knot in zip(rises[: len(KNOTS)], rises[len(KNOTS) :], KNOTS, strict=True):
        np.maximum(deviation - knot * sigma, 0.0, out=above)
        np.minimum(deviation + knot * sigma, 0.0, out=below)


def likely_intensities(mean: np.ndarray, variance: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(G,) most likely intensities, >= 0, of reflections: weighted means drawn towards the mean of their resolution.

    mean, variance : (G,) of the groups, on the common scale; d : (G,) Angstrom
    The spread of true intensities about their mean is the mean itself (Wilson 1949), or as much more as one shows.
    """
    shells = equal_volume_shells(d, N_SHELLS).index(d)
    n = np.bincount(shells, minlength=N_SHELLS)
    typical = np.maximum(np.bincount(shells, mean, N_SHELLS) / np.maximum(n, 1), 0.0)[shells]
    spread = np.maximum(typical**2, (mean - typical) ** 2 - variance)
    total = spread + variance
    return np.maximum(
        np.where(total > 0, mean * spread + typical * variance, mean) / np.where(total > 0, total, 1.0), 0
    )
