"""What a crystallographer should know about a symmetry decision, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi

from autoproc.models.space_group import symbol
from autoproc.symmetry.absences import Absences, equally_good, screws_of
from autoproc.symmetry.elements import CorrelationModel, ElementScore
from autoproc.symmetry.given_setting import GivenSetting
from autoproc.symmetry.laue_group import SubgroupScore
from autoproc.symmetry.undecided import undecided
from autoproc.wording import counted

MIN_CONFIDENCE = 0.5
"""Of the Laue group; below, others are nearly as likely."""
NEARLY_AS_LIKELY = 0.5
"""Of the likelihood of the Laue group that was chosen, from which another is named beside the next best one. Reckoned:
odds of 2 to 1 decide nothing."""
MIN_PAIRS = 3
PSEUDO_CC = 0.4
CC_DROP = 0.15
UNLIKELY = 0.05
FEW_ABSENT = 3
"""Reflections that a screw axis extinguishes, up to which it is told on how many it rests: of centric reflections that
no axis extinguishes one in six has E^2 below 0.04 (Wilson's distribution), and looks like one that is."""
UNTESTED = "too few related reflections to test"
UNCERTAIN_LAUE = "the Laue group is uncertain"
UNTOLD_SCREWS = "cannot be told apart"
UNCERTAIN = "the space group is uncertain"
LIKELY = "the space group is likely, not certain"
"""What those warnings say that only tell that too little was measured."""
AXIAL = {"a": "h00", "b": "0k0", "c": "00l"}
"""The reflections on each axis, by its letter."""
CERTAIN = 0.95
"""Probability of the space group, 19 to 1, below which a choice that is clear is still called likely, not certain."""


def symmetry_warnings(
    best: SubgroupScore,
    subgroups: Sequence[SubgroupScore],
    elements: Sequence[ElementScore],
    absences: Absences,
    model: CorrelationModel,
    given: gemmi.SpaceGroup | None = None,
    setting: GivenSetting | None = None,
) -> tuple[str, ...]:
    """Warnings about an uncertain Laue group, untested or doubtful elements, and unseen screw axes.

    absences : in the axes of the result
    given : the space group that the user knows; then only what speaks against it is a warning
    setting : its axes, with what the absences say to them
    """
    found = _laue_warnings(best, subgroups) if given is None else _against(given, best, subgroups, absences, setting)
    untested = [e for e in elements if e.order > 1 and e.sums.n_unique < MIN_PAIRS]
    if untested:
        n_untested = counted(len(untested), "symmetry element")
        found.append(f"{UNTESTED} {n_untested}: {_names(untested)}; collect more rotation")
    inside = set(best.subgroup.members)
    tested = [e for e in elements if e.order > 1 and e.sums.n_unique >= MIN_PAIRS]
    weak = [e for e in tested if inside.issuperset(e.members) and e.cc < model.cc_true - CC_DROP]
    if weak:
        found.append(
            f"symmetry agrees less well than repeated measurements: {_names(weak)}; pseudo-symmetry or unequal scales? "
            "Compare Rmeas of a lower symmetry.laue_group="
        )
    strong = [e for e in tested if not inside.issuperset(e.members) and e.cc > PSEUDO_CC]
    if strong:
        found.append(
            f"a symmetry was rejected, but is not far from true: {_names(strong)}; pseudo-symmetry or twinning? "
            "Look at the tests of twinning"
        )
    if not absences.is_certain and given is None:
        found.append(_screw_warning(absences))
    if absences.is_certain and given is None:
        found += _likely_only(absences)
    return tuple(found)


def tells_too_little(warning: str) -> bool:
    """It says that too little was measured to tell the symmetry, not that something speaks against it."""
    return any(said in warning for said in (UNTESTED, UNCERTAIN_LAUE, UNTOLD_SCREWS, UNCERTAIN, LIKELY))


def resting_on_few(group: gemmi.SpaceGroup, absences: Absences) -> str:
    """On how few reflections the screw axes of the space group rest; empty where they rest on more.

    absences : in the axes of the group
    """
    if absences.centre is not None:
        return ""
    few = [s for s in screws_of(group, absences) if 0 < s.n_absent <= FEW_ABSENT]
    if not few:
        return ""
    first, *more = [(s.name, s.n_absent) for s in few]
    begin = f"screw axis {first[0][:2]} along {first[0][-1]} rests on {counted(first[1], 'reflection')}"
    return ", ".join([begin, *(f"{name[:2]} along {name[-1]} on {n}" for name, n in more)])


def _likely_only(absences: Absences) -> list[str]:
    """A warning where the space group is the clear choice, but not beyond doubt."""
    best, *others = absences.candidates
    if absences.centre is not None or best.score >= CERTAIN or not others:
        return []
    why = resting_on_few(best.groups[0], absences)
    rival = " or ".join(symbol(g) for g in others[0].groups)
    return [
        f"{LIKELY}: {symbol(best.groups[0])} ({best.score:.2f}), then {rival} "
        f"({others[0].score:.2f}){why and '; '}{why}; give symmetry.space_group= if it is known"
    ]


def untold_laue_groups(best: SubgroupScore, subgroups: Sequence[SubgroupScore]) -> tuple[SubgroupScore, ...]:
    """Laue groups that may as well be the crystal's as the best, each name once; none where the best is clear.

    subgroups : all of them, the most likely first
    """
    others = [s for s in subgroups if s is not best]
    if best.confidence >= MIN_CONFIDENCE or not others:
        return ()
    near = [others[0], *(s for s in others[1:] if s.likelihood >= NEARLY_AS_LIKELY * best.likelihood)]
    likeliest_of_name: dict[str, SubgroupScore] = {}
    for score in near:
        likeliest_of_name.setdefault(symbol(score.subgroup.patterson), score)
    return tuple(likeliest_of_name.values())


def untold_laue_words(best: SubgroupScore, subgroups: Sequence[SubgroupScore]) -> list[str]:
    """Of those groups what the crystal's space group may as well be, in words."""
    own = symbol(best.subgroup.patterson)
    names = [symbol(s.subgroup.patterson) for s in untold_laue_groups(best, subgroups)]
    told = [f"{name} along other axes" if name == own else name for name in names]
    return [f"any of Laue group{'s' if len(told) > 1 else ''} {', '.join(told)}"] if told else []


def _laue_warnings(best: SubgroupScore, subgroups: Sequence[SubgroupScore]) -> list[str]:
    others = untold_laue_groups(best, subgroups)
    if not others:
        return []
    names = " or ".join(_scored(s) for s in (best, *others))
    return [f"{UNCERTAIN_LAUE}: {names}; more rotation tells, or give symmetry.laue_group="]


def _against(
    given: gemmi.SpaceGroup,
    best: SubgroupScore,
    subgroups: Sequence[SubgroupScore],
    absences: Absences,
    setting: GivenSetting | None,
) -> list[str]:
    """What the data have against the space group that the user gave."""
    found = []
    if best.likelihood < UNLIKELY:
        found.append(
            f"the Laue group of {symbol(given)}, which was given, is not that of the intensities: {_scored(best)}, "
            f"where {_scored(subgroups[0])} is likeliest; leave symmetry.space_group out to see what that gives"
        )
    if setting is None:
        return found
    if absences.is_certain and setting.score is not None and setting.score < UNLIKELY:
        names = " or ".join(dict.fromkeys(g.xhm() for g in equally_good(absences)))
        found.append(
            f"the absences speak against {symbol(given)}, which was given, and for {names} with these axes; "
            "reindex changes them"
        )
    if not setting.has_cell:
        found.append(
            f"the unit cell that was given is not a cell of {symbol(given)} of this lattice: the axes are "
            "others; correct unit_cell="
        )
    return found


def _scored(score: SubgroupScore) -> str:
    return f"{symbol(score.subgroup.patterson)} ({score.likelihood:.2f})"


def _screw_warning(absences: Absences) -> str:
    if absences.centre is not None:
        names = ", ".join(f"{symbol(g)} ({c.score:.2f})" for c in absences.candidates[:4] for g in c.groups)
        why = "".join(f". {sentence.removesuffix('.')}" for sentence in undecided(absences))
        return f"{UNCERTAIN}: {names}; give symmetry.space_group= if it is known{why}"
    groups = ", ".join(symbol(g) for g in equally_good(absences))
    why = _not_measured(absences)
    words = f"{groups} {UNTOLD_SCREWS}: {why}" if why else f"{groups} {UNTOLD_SCREWS} for certain: {_few(absences)}"
    return f"{words}; give symmetry.space_group= if it is known"


def _not_measured(absences: Absences) -> str:
    """Which axial reflections are missing that would tell screw axes, in words; empty where there are some of each."""
    none, not_these = [], []
    for letter, name in AXIAL.items():
        axes = [s for s in absences.screw_axes if s.name[-1] == letter]
        if axes and not any(s.n_present or s.n_absent for s in axes):
            none.append(f"no {name}")
        else:
            not_these += [s.name for s in axes if not s.n_absent]
    words = [f"{' and '.join(none)} reflection was measured"] if none else []
    if not_these:
        words.append(f"no reflection was measured that screw axes {', '.join(not_these)} extinguish")
    return ", and ".join(words)


def _few(absences: Absences) -> str:
    found = ", ".join(f"{s.n_absent} for {s.name}" for s in absences.screw_axes)
    return f"few reflections were measured that the screw axes extinguish, {found}"


def _names(elements: Sequence[ElementScore]) -> str:
    return ", ".join(f"{e.order} | {e.axis} (CC {e.cc:.2f})" for e in elements)
