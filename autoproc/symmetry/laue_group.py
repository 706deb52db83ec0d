"""The likelihood of each possible Laue group, from the scores of its elements (Evans 2011)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.symmetry.elements import ElementScore, PairSums
from autoproc.symmetry.subgroups import Subgroup


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupScore:
    """One possible group and how the elements speak for it.

    likelihood : normalised over all subgroups; confidence : sqrt(p (p - next best p))
    z_cc_for, z_cc_against : mean Z-CC of the elements in and not in the group; net is the difference
    cc_for, cc_against : CC over all pairs that those elements relate
    """

    subgroup: Subgroup
    likelihood: float
    confidence: float
    z_cc_for: float
    z_cc_against: float
    cc_for: float
    cc_against: float

    @property
    def net_z_cc(self) -> float:
        """Zcc+ - Zcc-."""
        return self.z_cc_for - self.z_cc_against

    @property
    def stars(self) -> str:
        """Marks: *** above 0.8, ** above 0.6, * above 0.4."""
        return "*" * sum(self.likelihood > limit for limit in (0.4, 0.6, 0.8))


def score_subgroups(subgroups: Sequence[Subgroup], elements: Sequence[ElementScore]) -> tuple[SubgroupScore, ...]:
    """Every subgroup scored, the most likely first; among equals the smaller group, then the better net Z-CC."""
    logs = np.array([_log_likelihood(g, elements) for g in subgroups])
    p = np.exp(logs - logs.max())
    p /= p.sum()
    scored = []
    for n, group in enumerate(subgroups):
        best_other = float(np.delete(p, n).max(initial=0.0))
        confidence = float(np.sqrt(max(0.0, p[n] * (p[n] - best_other))))
        scored.append(_score(group, elements, float(p[n]), confidence))
    return tuple(sorted(scored, key=lambda s: (-round(s.likelihood, 9), s.subgroup.order, -s.net_z_cc)))


def _log_likelihood(group: Subgroup, elements: Sequence[ElementScore]) -> float:
    inside = set(group.members)
    total = 0.0
    for element in elements:
        if element.order > 1:
            p = float(np.clip(element.likelihood, 1e-9, 1 - 1e-9))
            total += float(np.log(p if inside.issuperset(element.members) else 1 - p))
    return total


def _score(group: Subgroup, elements: Sequence[ElementScore], likelihood: float, confidence: float) -> SubgroupScore:
    inside = set(group.members)
    members = [e for e in elements if inside.issuperset(e.members)]
    others = [e for e in elements if not inside.issuperset(e.members)]
    return SubgroupScore(
        group, likelihood, confidence, _mean_z(members), _mean_z(others), _pooled_cc(members), _pooled_cc(others)
    )


def _mean_z(elements: Sequence[ElementScore]) -> float:
    tested = [e.z_cc for e in elements if e.sums.n_pairs > 0]
    return float(np.mean(tested)) if tested else 0.0


def _pooled_cc(elements: Sequence[ElementScore]) -> float:
    total = PairSums()
    for element in elements:
        total = total + element.sums
    return total.cc
