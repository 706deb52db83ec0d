"""Real spherical harmonics of pairs of directions, as the absorption surface takes them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from autoproc.kernels import _harmonics
from autoproc.kernels.arguments import floats, whole

MAX_DEGREE: int = _harmonics.MAX_DEGREE


def mean_harmonics(first: np.ndarray, second: np.ndarray, lmax: int) -> np.ndarray:
    """(N, lmax (lmax + 2)) mean of the real harmonics, l = 1 .. lmax, m = -l .. l, of two unit vectors (N, 3) each.

    Raises ValueError on wrong shapes, or a degree above 16.
    """
    first, second, lmax = _directions(first, second, lmax)
    result = np.zeros((len(first), lmax * (lmax + 2)))
    if lmax and len(first):
        _harmonics.mean_harmonics(first, second, lmax, *_recurrence(lmax), result)
    return result


def mean_series(first: np.ndarray, second: np.ndarray, lmax: int, coefficients: np.ndarray) -> np.ndarray:
    """(N,) mean_harmonics(first, second, lmax) @ coefficients, without the memory of the former."""
    first, second, lmax = _directions(first, second, lmax)
    coefficients = floats(coefficients, (lmax * (lmax + 2),), "coefficients")
    result = np.zeros(len(first))
    if lmax:
        _harmonics.mean_series(first, second, lmax, *_recurrence(lmax), coefficients, result)
    return result


def _directions(first: np.ndarray, second: np.ndarray, lmax: int) -> tuple[np.ndarray, np.ndarray, int]:
    first = floats(first, (None, 3), "directions")
    return first, floats(second, first.shape, "second directions"), whole(lmax, 0, MAX_DEGREE, "degree")


@lru_cache(maxsize=8)
def _recurrence(lmax: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the recurrence of normalised associated Legendre functions in their degree, and where it starts."""
    factors, diagonal = np.zeros((lmax + 1, lmax + 1, 2)), np.full(lmax + 1, np.sqrt(1 / (4 * np.pi)))
    for m in range(lmax + 1):
        if m:
            diagonal[m] = diagonal[m - 1] * np.sqrt((2 * m + 1) / (2 * m))
        for degree in range(m + 1, lmax + 1):
            factors[degree, m, 0] = np.sqrt((4 * degree**2 - 1) / (degree**2 - m**2))
            factors[degree, m, 1] = np.sqrt(((degree - 1) ** 2 - m**2) / (4 * (degree - 1) ** 2 - 1))
    return factors, diagonal
