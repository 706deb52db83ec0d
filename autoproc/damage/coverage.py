"""Completeness against dose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.damage.dose import DoseAxis
from autoproc.merging.groups import EquivalentGroups


@dataclass(frozen=True, slots=True, eq=False)
class CompletenessByDose:
    """Part of the unique reflections (0..1) that were measured by the end of each step of dose.

    either : (K,) by any observation; plus, minus : (K,) as I(+), as I(-); both : (K,) as both; centric reflections
        are both at once. either_shells : (S, K) in shells of resolution
    """

    either: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    both: np.ndarray
    either_shells: np.ndarray


def completeness_by_dose(
    groups: EquivalentGroups, step: np.ndarray, shell: np.ndarray, n_expected: np.ndarray, axis: DoseAxis
) -> CompletenessByDose:
    """Completeness of observations with steps of dose (N,).

    shell : (G,) of each group; n_expected : (S,) unique reflections that there are in each shell
    """
    never = axis.n_steps
    plus, minus = np.full(len(groups), never), np.full(len(groups), never)
    for earliest, here in ((plus, groups.is_plus), (minus, ~groups.is_plus | groups.is_centric[groups.group])):
        np.minimum.at(earliest, groups.group[here], step[here])
    expected = np.maximum(n_expected, 1).astype(float)

    def seen(earliest: np.ndarray) -> np.ndarray:
        place = shell * (never + 1) + earliest
        counts = np.bincount(place, minlength=len(expected) * (never + 1)).reshape(len(expected), never + 1)
        return np.cumsum(counts[:, :never], axis=1)

    either = seen(np.minimum(plus, minus))
    total = expected.sum()
    return CompletenessByDose(
        either.sum(axis=0) / total,
        seen(plus).sum(axis=0) / total,
        seen(minus).sum(axis=0) / total,
        seen(np.maximum(plus, minus)).sum(axis=0) / total,
        either / expected[:, None],
    )
