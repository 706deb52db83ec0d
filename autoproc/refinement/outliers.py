"""Outliers among residuals: the minimum covariance determinant, and Tukey's fences.

Residuals are (N, 3), of any unit. Everything is deterministic: the covariance search
starts from five robust first guesses, not from random subsets (DetMCD: Hubert, Rousseeuw & Verdonck
2012, J. Comput. Graph. Stat. 21, 618, after FAST-MCD: Rousseeuw & Van Driessen 1999).
"""

from __future__ import annotations

from operator import itemgetter

import numpy as np
import scipy

from autoproc.kernels.concentrate import concentrate
from autoproc.robust import robust_sigma

MIN_FOR_MCD = 30
MAX_FOR_MCD = 3000
"""Rows, evenly from all, that tell centre and covariance, to 2%; FAST-MCD has 1500 at the most of many."""
MAX_STEPS = 50
FIRST_STEPS = 3
KEPT = 2


def tukey_outliers(values: np.ndarray, multiple: float = 1.5) -> np.ndarray:
    """(N,) bool: beyond the quartiles by more than `multiple` interquartile ranges in any column."""
    low, high = np.percentile(values, [25, 75], axis=0)
    reach = multiple * (high - low)
    return np.any((values < low - reach) | (values > high + reach), axis=1)


def mcd_outliers(values: np.ndarray, probability: float = 0.975) -> np.ndarray:
    """(N,) bool: robust Mahalanobis distance beyond the chi-squared quantile of `probability`.

    Fewer than 30 rows are judged by Tukey's fences instead: too few for a covariance.
    """
    n, p = values.shape
    if n < MIN_FOR_MCD:
        return tukey_outliers(values)
    centre, covariance = minimum_covariance_determinant(values[:: -(-n // MAX_FOR_MCD)])
    return mahalanobis_squared(values, centre, covariance) > chi_squared_quantile(probability, p)


def minimum_covariance_determinant(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reweighted MCD centre (p,) and covariance (p, p) of values (N, p), made consistent for a normal law."""
    n, p = values.shape
    median = np.median(values, axis=0)
    spread = robust_sigma(values - median)
    scale = np.where(spread > 0, spread, 1.0)
    z = np.ascontiguousarray(((values - median) / scale).T)
    h = (n + p + 1) // 2
    begun = [concentrate(z, start, h, FIRST_STEPS) for start in _starting_distances(z)]
    best = sorted(begun, key=itemgetter(2))[:KEPT]
    ended = [concentrate(z, _distances(z, *moments), h, MAX_STEPS) for *moments, _ in best]
    centre, covariance, _ = min(ended, key=itemgetter(2))
    covariance = covariance * _consistency(h / n, p)
    inside = _distances(z, centre, covariance) <= chi_squared_quantile(0.975, p)
    if np.count_nonzero(inside) > 2 * p:
        centre, covariance = _moments(z.compress(inside, axis=1))
        covariance = covariance * _consistency(0.975, p)
    return median + centre * scale, covariance * np.outer(scale, scale)


def mahalanobis_squared(values: np.ndarray, centre: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """(N,) squared distances of values (N, p) from the centre in units of the covariance."""
    return _distances(values.T, centre, covariance)


def _distances(columns: np.ndarray, centre: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """The same of columns (p, N): along them numpy is several times as fast as across rows of three."""
    from_centre = columns - centre[:, None]
    squares = np.linalg.inv(covariance) @ from_centre
    squares *= from_centre
    return squares.sum(axis=0)


def _starting_distances(z: np.ndarray) -> list[np.ndarray]:
    """Squared distances from the centre by five robust covariances of robustly scaled columns (p, N)."""
    p, n = z.shape
    radius = np.maximum(np.sqrt((z * z).sum(axis=0)), 1e-12)
    ranks = np.array([ranks_of(column) for column in z])
    starts = [radius**2]
    for shape in (np.tanh(z), ranks, scipy.special.ndtri((ranks - 1 / 3) / (n + 1 / 3)), z / radius):
        starts.append(_distances(z, np.zeros(p), _moments(shape)[1]))
    return starts


def _moments(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (p,) and covariance (p, p) of columns (p, N)."""
    p, n = columns.shape
    centre = columns.mean(axis=1)
    from_centre = columns - centre[:, None]
    return centre, from_centre @ from_centre.T / (n - 1) + 1e-12 * np.eye(p)


def _consistency(fraction: float, p: int) -> float:
    """Factor that makes the covariance of the central `fraction` of a normal law its whole covariance."""
    return fraction / scipy.special.chdtr(p + 2, chi_squared_quantile(fraction, p))


def chi_squared_quantile(probability: float, p: int) -> float:
    """Below which chi-squared of p degrees of freedom stays with a probability; scipy.stats is slow to load."""
    return float(2.0 * scipy.special.gammaincinv(0.5 * p, probability))


def ranks_of(values: np.ndarray) -> np.ndarray:
    """(N,) ranks from 1; equal values share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - 0.5 * (counts - 1))[which]
