"""The correlation of every pair of data sets under every rotation of their lattice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from autoproc.combining.datasets import DataSets
from autoproc.kernels.pair_correlations import pair_sums
from autoproc.threads import map_in_order

MIN_COMMON = 5
"""Common reflections below which a correlation is not known. Of 5 its standard error is 0.5, and its weight next to
nothing; of fewer it is not normally distributed at all."""

LEAST_SD = 0.07
"""Of a correlation, however many reflections it is of: systematic errors, as with symmetry elements."""


@dataclass(frozen=True, slots=True, eq=False)
class PairCorrelations:
    """r, n : (D, S, D) of data set i with data set j turned by each rotation; r is 0 where n is below MIN_COMMON."""

    r: np.ndarray
    n: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """(D, S, D) 1/variance of r, from the number of reflections; 0 where r is not known.

        The variance is that of r = 0: one that depended on r itself would draw all fits to high correlations.
        """
        known = np.maximum(self.n, 1)
        return np.where(self.n >= MIN_COMMON, 1 / (LEAST_SD**2 + 1 / known), 0.0)


def pair_correlations(data: DataSets, n_threads: int = 0) -> PairCorrelations:
    """All D^2 S of them; those of a rotation and of its inverse are the same, and found once."""
    n, group = len(data), data.group
    r, count = np.zeros((n, len(group), n), np.float32), np.zeros((n, len(group), n), np.int32)
    asked = [c for c in range(len(group)) if c <= group.inverse[c]]
    found = map_in_order(partial(_under_rotation, data), asked, n_threads)
    for c, (correlation, number) in zip(asked, found, strict=True):
        r[:, c], count[:, c] = correlation, number
        r[:, group.inverse[c]], count[:, group.inverse[c]] = correlation.T, number.T
    return PairCorrelations(r, count)


def _under_rotation(data: DataSets, c: int) -> tuple[np.ndarray, np.ndarray]:
    sums = pair_sums(data.start, data.dataset, data.value, data.image[:, c], len(data))
    n, x, y, xx, yy, xy = np.moveaxis(sums, 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y))
    good = (n >= MIN_COMMON) & np.isfinite(r)
    return np.where(good, np.clip(r, -1, 1), 0.0), np.where(good, n, 0).astype(np.int32)
