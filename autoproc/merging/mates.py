"""How much reflections that symmetry makes equivalent differ, beside those that are so beyond doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import gemmi
import numpy as np

from autoproc.geometry.asu import PLACES, linear_code
from autoproc.merging.groups import group_equivalents
from autoproc.models.space_group import proper_parts, rotations_of

MIN_DEGREES_OF_FREEDOM = 50
"""Fewer comparisons of either kind say nothing."""
MOST_TELLING = 0.95
"""Quantile of the groups' mean squares at which each is cut, so that the group of a wild observation counts for no more
than the strongest twentieth. Where the symmetry is true the ratio stays 1, since a group's scatter says nothing of how
it is shared between its classes and within them (simulated: 1.07, not cut 1.09; one observation a thousand times too
strong had made 1.0 of a ratio of 750)."""


@dataclass(frozen=True, slots=True)
class MatesAgreement:
    """An analysis of variance of scaled observations: mates under a group, apart in a subgroup of it.

    between : mean square, in variances, of the subgroup's means about the group's; within : of observations about the
    subgroup's means, both without the excess of the groups that scatter most. n_between, n_within : degrees of freedom;
    axes : orders of the subgroup's rotations, sorted
    """

    between: float
    within: float
    n_between: int
    n_within: int
    axes: tuple[int, ...] = ()

    @property
    def ratio(self) -> float:
        """1 where the group's symmetry is true: F of the analysis of variance."""
        return self.between / max(self.within, 1e-9)

    @property
    def sigmas(self) -> float:
        """Standard uncertainties by which the logarithm of the ratio is above 0, were errors independent."""
        return float(np.log(max(self.ratio, 1e-9)) / np.sqrt(2 / self.n_between + 2 / self.n_within))


def mates_agreements(
    space_group: gemmi.SpaceGroup, hkl: np.ndarray, value: np.ndarray, variance: np.ndarray
) -> tuple[MatesAgreement, ...]:
    """For each maximal subgroup of the rotations that can be tested, how well its classes agree.

    hkl (N, 3), value, variance (N,) : scaled observations. Friedel mates are never compared, but where the group
    makes them equivalent, so that anomalous differences do not count. What is weak for its errors counts little by
    itself: it makes the ratio 1.
    """
    groups = group_equivalents(space_group, hkl).anomalous()
    found = []
    for subgroup in maximal_subgroups(rotations_of(space_group)):
        if space_group.is_centrosymmetric() and not _has_centre(subgroup):
            continue  # what it parts are Friedel mates
        agreement = _analysed(groups.group, _classes(hkl, subgroup), value, variance)
        if min(agreement.n_between, agreement.n_within) >= MIN_DEGREES_OF_FREEDOM:
            found.append(replace(agreement, axes=orders_of(proper_parts(subgroup))))
    return tuple(found)


def _has_centre(operations: np.ndarray) -> bool:
    return bool(np.any(np.all(operations == -np.eye(3, dtype=int), axis=(1, 2))))


def _classes(hkl: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(N,) number of the class of each observation under rotations alone, which no two groups share."""
    indices = hkl.T.astype(np.int64)
    codes = np.full(len(hkl), np.iinfo(np.int64).min)
    for rotation in rotations:
        np.maximum(codes, linear_code(indices, rotation @ PLACES), out=codes)
    return np.unique(codes, return_inverse=True)[1]


def _analysed(group: np.ndarray, part: np.ndarray, value: np.ndarray, variance: np.ndarray) -> MatesAgreement:
    weight = 1.0 / variance
    part_weight = np.bincount(part, weight)
    part_mean = np.bincount(part, weight * value) / part_weight
    of_part = np.zeros(len(part_weight), np.intp)
    of_part[part] = group
    n_groups = int(group.max()) + 1
    total = np.bincount(of_part, part_weight, n_groups)
    mean = np.bincount(of_part, part_weight * part_mean, n_groups) / np.where(total > 0, total, 1.0)
    within = np.bincount(group, weight * (value - part_mean[part]) ** 2, n_groups)
    between = np.bincount(of_part, part_weight * (part_mean - mean[of_part]) ** 2, n_groups)
    share = _without_excess(within + between, np.bincount(group, minlength=n_groups) - (total > 0))
    n_within, n_between = len(value) - len(part_weight), len(part_weight) - int(np.count_nonzero(total))
    return MatesAgreement(
        float(between @ share) / max(n_between, 1), float(within @ share) / max(n_within, 1), n_between, n_within
    )


def _without_excess(squares: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """(G,) part of each group's squares that counts, of those that have any degree of freedom."""
    mean_square = squares / np.maximum(freedom, 1)
    compared = mean_square[freedom > 0]
    if not len(compared):
        return np.ones(len(squares))
    most = np.quantile(compared, MOST_TELLING, method="lower")
    return np.where(mean_square > most, most / np.maximum(mean_square, 1e-300), 1.0)


def orders_of(rotations: np.ndarray) -> tuple[int, ...]:
    """Orders of (n, 3, 3) rotations, sorted: they tell the crystal class."""
    order_of_trace = {3: 1, -1: 2, 0: 3, 1: 4, 2: 6}
    return tuple(sorted(order_of_trace[int(t)] for t in np.trace(rotations, axis1=1, axis2=2)))


def maximal_subgroups(rotations: np.ndarray) -> list[np.ndarray]:
    """Subgroups of (n, 3, 3) rotations, the identity first, that no larger one but the whole contains."""
    names = {rotation.tobytes(): n for n, rotation in enumerate(rotations)}
    table = np.array([[names[(a @ b).tobytes()] for b in rotations] for a in rotations])
    proper = {members for members in _generated(table) if len(members) < len(rotations)}
    maximal = [s for s in proper if not any(s < other for other in proper)]
    return [rotations[sorted(s)] for s in sorted(maximal, key=sorted)]


def _generated(table: np.ndarray) -> Iterator[frozenset[int]]:
    """The subgroups that one or two elements generate: those of crystals' rotation groups need no more."""
    n = len(table)
    for pair in [(k, k) for k in range(n)] + list(combinations(range(n), 2)):
        members = {0, *pair}
        while True:
            larger = members | {int(table[a, b]) for a in members for b in members}
            if larger == members:
                break
            members = larger
        yield frozenset(members)
