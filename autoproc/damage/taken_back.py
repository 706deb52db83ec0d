"""Observations that scaling took for outliers, and that are where damage had them.

On a damaged crystal the first images are few beside the rest, which they disagree with: some of those that tell most
of the crystal before damage have been rejected.
"""

from __future__ import annotations

import numpy as np

from autoproc.damage.zero_dose import ZeroDose, powers, zero_dose
from autoproc.merging.groups import EquivalentGroups

MAX_DEVIATION = 4.0
"""Standard uncertainties from the curve of the others of its reflection, within which an observation is taken back."""
N_ROUNDS = 2
"""Fits of the curves: with all that was rejected, and without what then disagrees."""
MOST_LEVERAGE = 0.95
"""Of one observation on its curve: nothing is told apart from the noise above."""


def taken_back(
    groups: EquivalentGroups,
    d: np.ndarray,
    value: np.ndarray,
    variance: np.ndarray,
    position: np.ndarray,
    rejected: np.ndarray,
) -> np.ndarray:
    """(N,) bool: the rejected observations, (N,) bool, that agree with the change of their reflections with dose.

    d : (G,) Angstrom; value, variance : (N,) on one scale; position : (N,) part of the range of dose, 0..1
    Each reflection has an observation that was not rejected. None is taken back where no change is significant without
    them.
    """
    used = ~rejected
    if not rejected.any() or zero_dose(groups.subset(used), d, value[used], variance[used], position[used]) is None:
        return np.zeros(len(value), bool)
    used = np.ones(len(value), bool)
    for _ in range(N_ROUNDS):
        found = zero_dose(groups.subset(used), d, value[used], variance[used], position[used])
        if found is None:
            return np.zeros(len(value), bool)
        used = ~rejected | (np.abs(_deviations(found, groups, value, variance, position, used)) < MAX_DEVIATION)
    return used & rejected


def _deviations(
    found: ZeroDose,
    groups: EquivalentGroups,
    value: np.ndarray,
    variance: np.ndarray,
    position: np.ndarray,
    used: np.ndarray,
) -> np.ndarray:
    """(N,) from the curve that the other ones used have, over its standard uncertainty.

    That of an observation which the curve has seen is larger by what it has drawn the curve to itself.
    """
    group = groups.group
    told = variance * np.median(found.variance / variance[used])
    told[used] = found.variance
    weight = np.where(used, 1 / told, 0.0)
    total = np.maximum(groups.sum(weight), 1e-300)[group]

    def from_mean(column: np.ndarray) -> np.ndarray:
        return column - groups.sum(weight * column)[group] / total

    left = from_mean(value - found.taken(group, position))
    reach = np.stack([from_mean(column) for column in powers(position).T], axis=1)
    of_curve = np.einsum("ni,nij,nj->n", reach, found.covariance[group], reach) + 1 / total
    of_deviation = told * (1 - np.minimum(of_curve / told, MOST_LEVERAGE))
    return left / np.sqrt(np.where(used, of_deviation, told + of_curve))
