"""Sums from which the correlations of all pairs of data sets follow."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _pair_correlations
from autoproc.kernels.arguments import floats, rows


def pair_sums(
    start: np.ndarray, dataset: np.ndarray, value: np.ndarray, image: np.ndarray, n_datasets: int
) -> np.ndarray:
    """(D, D, 6) of data sets i, j: n, x, y, xx, yy, xy over reflections u with x of i at u and y of j at image[u].

    start : (U + 1,) ascending; reflection u has the values start[u] : start[u + 1]
    dataset, value : (M,), each data set at most once in a reflection; image : (U,) index of a reflection
    A value is no pair with itself. Raises ValueError on wrong shapes and indices out of range.
    """
    value = floats(value, (None,), "values")
    bounds = rows(start, len(value) + 1, "starts")
    if len(bounds) < 1 or bounds[0] != 0 or bounds[-1] != len(value) or np.any(np.diff(bounds) < 0):
        raise ValueError("starts must ascend from 0 to the number of values")
    owner = rows(dataset, n_datasets, "data sets")
    turned = rows(image, len(bounds) - 1, "images")
    if len(owner) != len(value) or len(turned) != len(bounds) - 1:
        raise ValueError(f"{len(owner)} data sets for {len(value)} values, {len(turned)} images")
    sums = np.zeros((n_datasets, n_datasets, 6))
    _pair_correlations.pair_sums(bounds, owner.astype(np.int32), value, turned, sums)
    return sums
