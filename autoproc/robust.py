"""Means and spread of values among outliers."""

from __future__ import annotations

import math

import numpy as np

SPARSE = 3
"""Every so many pixels, each way, tell how a readout scatters."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

EXTREMES = 0.01
"""Part of many values, at either end, that are brought to the next where one of them must not decide."""
MIN_WITH_EXTREMES = 3
"""Of two, neither is an extreme."""


def without_extremes(values: np.ndarray) -> np.ndarray:
    """Values (..., n) with the hundredth at either end of the last axis, one at least, brought to the next.

    NaN stay, and count as the largest.
    """
    last = values.shape[-1] - 1
    if last + 1 < MIN_WITH_EXTREMES:
        return values
    low, high = math.ceil(EXTREMES * last), math.floor((1 - EXTREMES) * last)
    ordered = np.partition(values, (low, high), axis=-1)
    return np.clip(values, ordered[..., low, None], ordered[..., high, None])


def without_largest(values: np.ndarray) -> np.ndarray:
    """(n,) values with the largest brought to the next: for means in which the large count, but none by itself."""
    return values if len(values) < MIN_WITH_EXTREMES else np.minimum(values, np.partition(values, -2)[-2])


def robust_sigma(deviations: np.ndarray) -> np.ndarray:
    """Standard deviation of deviations (N, ...) from zero, along the first axis, by their median absolute value."""
    return MAD_TO_SIGMA * np.median(np.abs(deviations), axis=0)


def readout_variance(image: np.ndarray, trusted: np.ndarray, lowest: int) -> float:
    """Variance, counts^2, that the readout adds to the counting of photons, from the negative counts of an image.

    Pixels without a photon scatter evenly about zero, and photons make no count negative: the squares of the negative
    counts, twice, are those of all such pixels, of which half the others show as zeros or above. What has a photon
    and shows as zero makes the estimate a little low. 0 where no count may be negative.

    image : (slow, fast) int32; trusted : (slow, fast) bool; lowest : the least count
    """
    if lowest >= 0:
        return 0.0
    values = image[::SPARSE, ::SPARSE][trusted[::SPARSE, ::SPARSE]]
    negative = values[(values >= lowest) & (values < 0)].astype(float)
    n = 2 * len(negative) + np.count_nonzero(values == 0)
    return float(2 * np.sum(negative**2) / n) if n else 0.0
