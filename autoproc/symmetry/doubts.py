"""What a crystallographer should know about a symmetry decision, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.symmetry.absences import Absences, equally_good
from autoproc.symmetry.elements import CorrelationModel, ElementScore
from autoproc.symmetry.laue_group import SubgroupScore

MIN_CONFIDENCE = 0.5
MIN_PAIRS = 3
PSEUDO_CC = 0.4
CC_DROP = 0.15


def symmetry_warnings(
    best: SubgroupScore,
    subgroups: Sequence[SubgroupScore],
    elements: Sequence[ElementScore],
    absences: Absences,
    model: CorrelationModel,
) -> tuple[str, ...]:
    """Warnings about an uncertain Laue group, untested or doubtful elements, and unseen screw axes."""
    found = []
    others = [s for s in subgroups if s is not best]
    if best.confidence < MIN_CONFIDENCE and others:
        names = f"{best.subgroup.patterson.xhm()} ({best.likelihood:.2f}) or {others[0].subgroup.patterson.xhm()}"
        found.append(f"the Laue group is uncertain: {names} ({others[0].likelihood:.2f})")
    untested = [e for e in elements if e.order > 1 and e.sums.n_unique < MIN_PAIRS]
    if untested:
        found.append(f"too few related reflections to test {_names(untested)}: more rotation is needed")
    inside = set(best.subgroup.members)
    tested = [e for e in elements if e.order > 1 and e.sums.n_unique >= MIN_PAIRS]
    weak = [e for e in tested if inside.issuperset(e.members) and e.cc < model.cc_true - CC_DROP]
    if weak:
        found.append(f"{_names(weak)} agrees less well than repeated measurements: pseudo-symmetry or unequal scales?")
    strong = [e for e in tested if not inside.issuperset(e.members) and e.cc > PSEUDO_CC]
    if strong:
        found.append(f"{_names(strong)} was rejected, but is not far from true: pseudo-symmetry or twinning?")
    if not absences.is_certain:
        found.append(_screw_warning(absences))
    return tuple(found)


def _screw_warning(absences: Absences) -> str:
    names = ", ".join(g.xhm() for g in equally_good(absences))
    unseen = [s.name for s in absences.screw_axes if not s.n_absent]
    if unseen:
        axes = ", ".join(unseen)
        return f"cannot tell screw axes {axes}: no reflection that they extinguish was measured; any of {names}"
    return f"cannot tell screw axes for certain from few axial reflections: any of {names}"


def _names(elements: Sequence[ElementScore]) -> str:
    return ", ".join(f"{e.order} | {e.axis} (CC {e.cc:.2f})" for e in elements)
