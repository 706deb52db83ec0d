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
from autoproc.kernels.rise_sums import rise_sums, rises_by
from autoproc.threads import map_in_order

PER_CELL = 500
MAX_CELLS = 30
MIN_OBSERVATIONS = 100
KNOTS = np.array([0.0, 1.0, 3.0])
"""Standard uncertainties from the expected intensity at which the slope may change, on either side."""
MAX_DEVIATION = 8.0
"""Standard uncertainties beyond which an observation does not tell the slopes."""
MAX_FACTOR_DEVIATION = 4.0
MAX_LOG_FACTOR = 3.0
"""Variances that would have to change by more than 20 times do not come from counting."""
LEAST = 0.3
"""No variance falls below this part of what is usual for the expected photons and the background."""
LEAST_OWN = 1e-12
"""Of a term, the square of the part that others do not make up, below which it is rounding."""
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
    n_cells = int(np.clip(n_use // PER_CELL, 1, MAX_CELLS))
    edges = np.interp(np.linspace(0, n_use - 1, n_cells + 1)[1:-1], np.arange(n_use), np.sort(expected[use]))
    cell = np.searchsorted(edges, expected).astype(np.uint8)
    cells = np.split(np.argsort(cell, kind="stable"), np.cumsum(np.bincount(cell, minlength=n_cells))[:-1])
    cells = [rows for rows in cells if np.count_nonzero(use[rows]) >= MIN_OBSERVATIONS]

    def of_cell(rows: np.ndarray) -> np.ndarray:
        smooth = np.stack([np.ones(len(rows)), expected[rows], background[rows]], axis=1)
        return _steadied_alike(value[rows] - expected[rows], variance[rows], smooth, use[rows])

    result = variance.copy()
    for rows, steady in zip(cells, map_in_order(of_cell, cells, 1 if len(value) < FEW else 0), strict=True):
        result[rows] = steady
    return result


def _steadied_alike(deviation: np.ndarray, variance: np.ndarray, smooth: np.ndarray, use: np.ndarray) -> np.ndarray:
    """The variances of observations of similar expected intensity, each with the rise due to its deviation taken off.

    What a straight sum of rises leaves, of variances that do not add up so simply, is taken off as a factor.
    smooth : (N, 3) 1, expected, background
    """
    typical = np.full(len(variance), np.median(variance[use]))
    for _ in range(2):
        sigma = np.sqrt(typical)
        near = use & (np.abs(deviation) < MAX_DEVIATION * sigma)
        fit = _least_squares(rise_sums(smooth, (deviation, sigma), variance, 1.0 / typical, near, KNOTS))
        typical = np.maximum(smooth @ fit[:3], 0.1 * np.median(typical))
    steady = np.maximum(variance - rises_by((deviation, sigma), fit[3:], KNOTS), LEAST * typical)
    inner = np.clip(deviation / np.sqrt(typical), -MAX_FACTOR_DEVIATION, MAX_FACTOR_DEVIATION), np.ones(len(variance))
    left = _least_squares(rise_sums(smooth[:, :1], inner, np.log(steady / typical), inner[1], near, KNOTS))
    return steady * np.exp(-np.clip(rises_by(inner, left[1:], KNOTS), -MAX_LOG_FACTOR, MAX_LOG_FACTOR))


def _least_squares(sums: np.ndarray) -> np.ndarray:
    """(T,) coefficients of terms from the sums of their products and the target's (T + 1, T + 1), the smallest of any.

    Terms that others make up, as a background that is the same everywhere, are told by LEAST_OWN.
    """
    size = np.sqrt(np.diag(sums)[:-1])
    size[size == 0] = np.inf  # what nothing tells of stays 0
    values, vectors = np.linalg.eigh(sums[:-1, :-1] / np.outer(size, size))
    own = values > LEAST_OWN * values[-1]
    along = vectors[:, own]
    return (along @ ((along.T @ (sums[:-1, -1] / size)) / values[own])) / size


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
