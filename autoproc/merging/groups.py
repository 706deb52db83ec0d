"""Symmetry equivalents: which observations measure the same reflection."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import finalize

import gemmi
import numpy as np

from autoproc.geometry.asu import group_unique, to_asu
from autoproc.models.reflections import Reflections


@dataclass(frozen=True, slots=True, eq=False)
class EquivalentGroups:
    """Observations (N,) sorted into groups of equivalents (G,); observations keep their own order.

    hkl : (G, 3) int32, in the reciprocal asymmetric unit
    group : (N,) intp, the group of each observation
    is_plus : (N,) bool, the observation is an I(+) of its group (its Friedel mate an I(-)); True where centric
    is_centric : (G,) bool
    """

    hkl: np.ndarray
    group: np.ndarray
    is_plus: np.ndarray
    is_centric: np.ndarray

    def __len__(self) -> int:
        return len(self.hkl)

    @property
    def count(self) -> np.ndarray:
        """(G,) number of observations of each group."""
        return np.bincount(self.group, minlength=len(self))

    def sum(self, values: np.ndarray) -> np.ndarray:
        """(G,) sum of values (N,) over each group."""
        return np.bincount(self.group, values, minlength=len(self)).astype(float, copy=False)

    def weighted_mean(self, values: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(G,) mean of values (N,) weighted by 1/variance, and its standard uncertainty; NaN for empty groups."""
        weight = 1.0 / variance
        total = self.sum(weight)
        total[total == 0] = np.nan
        return self.sum(weight * values) / total, total**-0.5

    def subset(self, kept: np.ndarray) -> EquivalentGroups:
        """The groups of the observations that a mask (N,) keeps; groups stay, some of them empty."""
        return EquivalentGroups(self.hkl, self.group[kept], self.is_plus[kept], self.is_centric)

    def of_rows(self, rows: np.ndarray) -> EquivalentGroups:
        """The groups that some rows, a mask or numbers of them, have, and no others: as if these alone were grouped."""
        group = self.group[rows]
        present = np.bincount(group, minlength=len(self)) > 0
        number = np.cumsum(present) - 1
        return EquivalentGroups(self.hkl[present], number[group], self.is_plus[rows], self.is_centric[present])

    def apart(self, part: np.ndarray) -> EquivalentGroups:
        """The same observations with those of different parts (N,), numbers from 0, in different groups."""
        code, group = np.unique(part * len(self) + self.group, return_inverse=True)
        of = code % len(self)
        return EquivalentGroups(self.hkl[of], group.ravel(), self.is_plus, self.is_centric[of])

    def anomalous(self) -> EquivalentGroups:
        """The same observations with I(+) and I(-) apart: groups 2 g and 2 g + 1, some of them empty."""
        group = 2 * self.group + ~self.is_plus
        return EquivalentGroups(np.repeat(self.hkl, 2, axis=0), group, self.is_plus, np.repeat(self.is_centric, 2))


def group_equivalents(space_group: gemmi.SpaceGroup, hkl: np.ndarray) -> EquivalentGroups:
    """Group indices hkl (N, 3) that the Laue group of `space_group` makes equivalent."""
    mapped, isym = to_asu(hkl, space_group)
    unique, group = group_unique(mapped)
    is_centric = np.asarray(space_group.operations().centric_flag_array(unique), bool)
    return EquivalentGroups(unique, group, (isym % 2 == 1) | is_centric[group], is_centric)


_KNOWN: dict[tuple[int, str], EquivalentGroups] = {}
"""Of columns of indices that are still in use, by their place in memory and space group."""


def equivalents_of(space_group: gemmi.SpaceGroup, reflections: Reflections, rows: np.ndarray) -> EquivalentGroups:
    """Group some rows of a table, a mask or numbers of them, by their indices.

    Many stages ask for rows of tables that share one column of indices, which does not change: it is grouped once.
    """
    hkl = reflections["hkl"]
    key = id(hkl), space_group.xhm()
    groups = _KNOWN.get(key)
    if groups is None:
        groups = _KNOWN[key] = group_equivalents(space_group, hkl)
        finalize(hkl, _KNOWN.pop, key, None).atexit = False
    return groups.of_rows(rows)
