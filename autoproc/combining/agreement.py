"""How each data set agrees with all others, merged, in each setting that its lattice allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from autoproc.combining.datasets import DataSets
from autoproc.kernels.pair_correlations import pair_sums

N_BLOCKS = 16
"""Groups of reflections that are left out in turn, for the standard errors of correlations (a jackknife)."""
APART = 0.7
"""1 - CC, without errors of measurement and on average, beyond which two groups are of two structures. Simulated ones
of the same cell have 0.9 to 1, crystals of one form less than 0.1."""
MOST_UNCERTAIN = 0.2
"""Standard error of such a correlation, in the middle, beyond which groups are not looked for."""
MIN_COMMON = 10
"""Reflections in common with the others below which nothing is known of a data set."""


@dataclass(frozen=True, slots=True, eq=False)
class AgreementWithRest:
    """One data set against the rest, in each of K settings.

    cc, sd : (K,) correlation with the merged rest and its standard error; n : (K,) reflections in common
    best : index of the setting to take; margin : of its CC over the next best, in standard errors of the difference;
        inf where there is only one setting
    """

    settings: np.ndarray
    cc: np.ndarray
    sd: np.ndarray
    n: np.ndarray
    best: int
    margin: float

    @property
    def next_best(self) -> float:
        """CC of the best other setting; NaN without one."""
        return float(np.max(np.delete(self.cc, self.best), initial=-1)) if len(self.cc) > 1 else float("nan")


class MergedSettings:
    """Data sets in their settings, merged under a symmetry group, from which each can be taken out in turn."""

    def __init__(self, data: DataSets, members: Sequence[int], setting: np.ndarray, inside: np.ndarray) -> None:
        """Merge those that are `inside`, (D,) bool."""
        self.data, self.members = data, tuple(members)
        self.setting, self.inside = setting.copy(), inside.copy()
        self._coset = data.group.coset_of(members)
        self._unique = data.image[:, list(members)].min(axis=1)
        self._block = _blocks(data)
        by_set = np.argsort(data.dataset, kind="stable")
        self._rows = np.split(by_set, np.cumsum(data.n_values)[:-1])
        self._total, self._count = np.zeros(data.n_reflections), np.zeros(data.n_reflections)
        for n in np.flatnonzero(inside):
            self._add(int(n), 1.0)

    def agreement(self, n: int) -> AgreementWithRest:
        """Data set n against the others inside, in every setting."""
        if self.inside[n]:
            self._add(n, -1.0)
        settings = self.data.group.settings(self.members)
        sums = np.array([self._sums(n, int(s)) for s in settings])
        if self.inside[n]:
            self._add(n, 1.0)
        return _compared(settings, sums)

    @property
    def multiplicity(self) -> float:
        """Values of each reflection that was measured, on average."""
        measured = self._count > 0.5
        return float(self._count[measured].mean()) if measured.any() else 1.0

    def largest_form(self, signal: np.ndarray) -> np.ndarray:
        """(D,) bool: of the structure that most reflections are of, by the correlations of all pairs as they are set.

        signal : (D,) CC of each with itself without errors. All, where correlations are too uncertain to tell.
        """
        n_sets = len(self.data)
        everyone = np.ones(n_sets, bool)
        where = np.concatenate([self._place(n, int(self.setting[n])) for n in range(n_sets)])
        code, inverse = np.unique(where * n_sets + np.repeat(range(n_sets), self.data.n_values), return_inverse=True)
        total = np.bincount(inverse, np.concatenate([self.data.value[rows] for rows in self._rows]))
        reflection, dataset = np.divmod(code, n_sets)
        start = np.searchsorted(reflection, np.arange(self.data.n_reflections + 1))
        value = total / np.bincount(inverse)
        sums = pair_sums(start, dataset, value, np.arange(self.data.n_reflections), n_sets)
        possible = np.multiply.outer(signal, signal)
        known = (sums[..., 0] >= MIN_COMMON) & ~np.eye(n_sets, dtype=bool)
        error = 1 / np.sqrt(np.maximum(sums[..., 0], 1)) / possible
        if n_sets < 3 or not known.any() or float(np.median(error[known])) > MOST_UNCERTAIN:
            return everyone
        distance = 1 - np.clip(_correlation(sums) / possible, 0, 1)
        distance = np.where(known, distance, float(np.median(distance[known])))
        np.fill_diagonal(distance, 0.0)
        joined = linkage(squareform((distance + distance.T) / 2, checks=False), "average")
        form = fcluster(joined, APART, "distance")
        return np.asarray(form == np.argmax(np.bincount(form, self.data.n_values)))

    def take(self, n: int, setting: int) -> None:
        """Put data set n into a setting."""
        if self.inside[n]:
            self._add(n, -1.0)
        self.setting[n] = setting
        if self.inside[n]:
            self._add(n, 1.0)

    def leave_out(self, n: int) -> None:
        """Take data set n out of what is merged."""
        self._add(n, -1.0)
        self.inside[n] = False

    def let_in(self, n: int) -> None:
        """Merge data set n with the others, in its setting."""
        self._add(n, 1.0)
        self.inside[n] = True

    def coset(self, setting: int) -> int:
        """The setting that stands for all those which the symmetry makes equivalent to this one."""
        return int(self._coset[setting])

    def _place(self, n: int, setting: int) -> np.ndarray:
        """(m,) unique reflection of each value of data set n, in a setting: hkl W^-1."""
        rows = self.data.reflection[self._rows[n]]
        return np.asarray(self._unique[self.data.image[rows, self.data.group.inverse[setting]]])

    def _add(self, n: int, sign: float) -> None:
        place = self._place(n, int(self.setting[n]))
        np.add.at(self._total, place, sign * self.data.value[self._rows[n]])
        np.add.at(self._count, place, sign)

    def _sums(self, n: int, setting: int) -> np.ndarray:
        """(B, 6) of blocks: n, x, y, xx, yy, xy over unique reflections that data set n and the others have."""
        unique, inverse, count = np.unique(self._place(n, setting), return_inverse=True, return_counts=True)
        both = self._count[unique] > 0.5
        x = (np.bincount(inverse, self.data.value[self._rows[n]]) / count)[both]
        y = self._total[unique[both]] / self._count[unique[both]]
        block = self._block[unique[both]]
        terms = (np.ones_like(x), x, y, x * x, y * y, x * y)
        return np.column_stack([np.bincount(block, term, N_BLOCKS) for term in terms])


def _blocks(data: DataSets) -> np.ndarray:
    """(U,) group of each reflection; all images of one are in the same."""
    orbit = data.image.min(axis=1)
    return np.random.default_rng(11).integers(0, N_BLOCKS, data.n_reflections)[orbit]


def _compared(settings: np.ndarray, sums: np.ndarray) -> AgreementWithRest:
    """From the sums (K, B, 6) of settings and blocks."""
    total = sums.sum(axis=1)
    cc = np.where(total[:, 0] >= MIN_COMMON, _correlation(total), 0.0)
    without = _correlation(total[:, None] - sums)
    spread = np.sqrt(N_BLOCKS - 1)
    sd = np.maximum(spread * without.std(axis=1), 1e-6)
    best = int(np.argmax(np.round(cc, 9)))
    margin = np.inf
    for k in range(len(settings)):
        if k != best:
            error = max(float(spread * (without[best] - without[k]).std()), 1e-6)
            margin = min(margin, float((cc[best] - cc[k]) / error))
    return AgreementWithRest(settings, cc, sd, total[:, 0].astype(int), best, float(margin))


def _correlation(sums: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    variance = np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0)
    return np.asarray((n * xy - x * y) / np.sqrt(np.where(variance > 0, variance, np.inf)))
