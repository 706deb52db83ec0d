"""Observations that disagree with their equivalents, or are impossibly strong."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.shells import equal_volume_shells
from autoproc.merging.groups import EquivalentGroups

MAX_ROUNDS = 20
MAX_REJECTED = 0.5
"""No more than this part of a group is rejected: beyond it nobody knows which half is right."""
MAX_E2 = 100.0
"""Normalised intensity that no reflection reaches by chance: acentric Wilson statistics give exp(-100)."""
WEAKEST = 0.99
"""Part of a shell that its mean is taken of."""
PLAIN = 0.999
"""Of what an intensity may be, so that no rounding tells."""
N_SHELLS = 20


def reject_outliers(
    groups: EquivalentGroups,
    intensity: np.ndarray,
    variance: np.ndarray,
    factors: np.ndarray,
    zmax: float,
    candidates: np.ndarray,
) -> np.ndarray:
    """(N,) bool: outliers among the candidates (N,).

    Each round rejects the worst observation of each group that lies more than zmax standard uncertainties
    from the weighted mean of the others (at least two), until none does or after 20 rounds.
    """
    scaled, scaled_variance = intensity / factors, variance / factors**2
    weight = np.where(candidates, 1.0 / scaled_variance, 0.0)
    n_start = groups.subset(candidates).count
    rejected = np.zeros(len(intensity), bool)
    active = np.flatnonzero(candidates & (n_start[groups.group] > 2))
    for _ in range(MAX_ROUNDS):
        z = _deviation_from_others(groups, scaled, scaled_variance, weight, active)
        beyond = np.flatnonzero(z > zmax)
        new = active[beyond[_worst_of_each_group(groups.group[active[beyond]], z[beyond])]]
        n_rejected = np.bincount(groups.group[rejected], minlength=len(groups))
        new = new[(n_rejected[groups.group[new]] + 1) <= MAX_REJECTED * n_start[groups.group[new]]]
        if not len(new):
            break
        rejected[new] = True
        weight[new] = 0.0
        changed = np.zeros(len(groups), bool)
        changed[groups.group[new]] = True
        active = active[changed[groups.group[active]] & ~rejected[active]]
    return rejected


def impossible_intensities(
    groups: EquivalentGroups, d: np.ndarray, intensity: np.ndarray, variance: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    """(N,) bool: scaled intensities more than 100 times the mean of their resolution shell, beyond doubt.

    d : (N,) Angstrom; intensity, variance : (N,) on the common scale. The shell's mean is taken of the
    99% weakest, so that what is looked for does not raise it, and is at least its mean uncertainty.
    """
    result = np.zeros(len(intensity), bool)
    if not candidates.any():
        return result
    rows = np.flatnonzero(candidates)
    value, shell = intensity[rows], equal_volume_shells(d[rows], N_SHELLS).index(d[rows])
    for n in _that_may_hold_some(value, shell):
        here = np.flatnonzero(shell == n)
        strength, error = value[here], np.sqrt(variance[rows[here]])
        n_weakest = int(WEAKEST * len(here))
        weakest = np.partition(strength, n_weakest)[:n_weakest]
        level = max(float(weakest.mean()), float(np.median(error)))
        result[rows[here]] = strength - 5 * error > MAX_E2 * level
    return result


def _that_may_hold_some(value: np.ndarray, shell: np.ndarray) -> np.ndarray:
    """Numbers of the shells (N,) whose strongest intensity (N,) may be impossible: of most it is plain that it is not.

    The strongest part is no more than as many times the strongest of all, which leaves so much at least for the others.
    """
    count = np.bincount(shell, minlength=N_SHELLS)
    strongest = np.full(N_SHELLS, -np.inf)
    np.maximum.at(strongest, shell, value)
    n_weakest = (WEAKEST * count).astype(int)
    left = np.bincount(shell, value, N_SHELLS) - (count - n_weakest) * np.maximum(strongest, 0.0)
    level = np.maximum(left, 0.0) / np.maximum(n_weakest, 1)
    return np.flatnonzero((count >= N_SHELLS) & (strongest > PLAIN * MAX_E2 * level))


def _deviation_from_others(
    groups: EquivalentGroups, scaled: np.ndarray, variance: np.ndarray, weight: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """(len(rows),) |I - mean of the others| over its standard uncertainty; 0 with fewer than two others."""
    group = groups.group[rows]
    w, wi = weight[rows], weight[rows] * scaled[rows]
    n = np.bincount(group, w > 0, minlength=len(groups))[group]
    sum_w = np.bincount(group, w, minlength=len(groups))[group] - w
    sum_wi = np.bincount(group, wi, minlength=len(groups))[group] - wi
    enough = (n > 2) & (sum_w > 0) & (w > 0)
    safe = np.where(enough, sum_w, 1.0)
    z = np.abs(scaled[rows] - sum_wi / safe) / np.sqrt(variance[rows] + 1.0 / safe)
    return np.where(enough, z, 0.0)


def _worst_of_each_group(group: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Positions of the largest z of each group that occurs."""
    order = np.lexsort((z, group))
    last = np.flatnonzero(np.diff(group[order], append=-1))
    return order[last]
