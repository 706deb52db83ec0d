from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.symmetry.absences import Absences, ScrewAxis, SpaceGroupScore, screws_of
from autoproc.symmetry.doubts import resting_on_few, symmetry_warnings, tells_too_little, untold_laue_words
from autoproc.symmetry.elements import CorrelationModel, ElementScore, PairSums
from autoproc.symmetry.given_setting import GivenSetting
from autoproc.symmetry.lattice_symmetry import lattice_symmetry
from autoproc.symmetry.laue_group import SubgroupScore
from autoproc.symmetry.subgroups import find_subgroups

SUBGROUPS = find_subgroups(lattice_symmetry((40, 50, 60, 90, 90, 90), 1.0))
FULL, MONOCLINIC = SUBGROUPS[0], next(s for s in SUBGROUPS if s.order == 2)
MODEL = CorrelationModel(0.95, 0.95, 0.95, 0.0, 1000, 0.9, 0.07)
P21, P2 = gemmi.SpaceGroup("P 1 21 1"), gemmi.SpaceGroup("P 1 2 1")


def scored(subgroup, likelihood=0.9, confidence=0.9) -> SubgroupScore:
    return SubgroupScore(subgroup, likelihood, confidence, 8.0, 1.0, 0.9, 0.1)


def element(members: tuple[int, ...], cc: float, n: int = 100, order: int = 2) -> ElementScore:
    return ElementScore(members, order, (0, 1, 0), PairSums(n_unique=n), cc, 0.1, 0.9)


def certain(p: float = 0.95, n_absent: int = 5) -> Absences:
    screw = ScrewAxis("21b", p, 5, n_absent, 100.0, 0.0, 10.0, 0.0)
    return Absences((screw,), (SpaceGroupScore((P21,), p), SpaceGroupScore((P2,), 1 - p)), p > 0.7)


def said(best, others=(), elements=(), absences=None, **given) -> tuple[str, ...]:
    return symmetry_warnings(best, [best, *others], elements, absences or certain(), MODEL, **given)


def test_a_clear_answer_has_no_warnings():
    assert said(scored(FULL), [scored(MONOCLINIC, 0.1, 0.0)], [element((1,), 0.94)]) == ()


def test_an_uncertain_laue_group_names_both():
    (warning,) = said(scored(FULL, 0.5, 0.49), [scored(MONOCLINIC, 0.45, 0.0)])
    assert "the Laue group is uncertain: P m m m (0.50) or P" in warning
    assert "(0.45)" in warning
    assert said(scored(FULL, 0.5, 0.5), [scored(MONOCLINIC, 0.45, 0.0)]) == ()
    assert said(scored(FULL, 0.5, 0.1)) == ()  # nothing else is possible


def test_every_laue_group_that_is_nearly_as_likely_is_named_once():
    first, second = (s for s in SUBGROUPS[1:3] if s.order == 2)
    lowest = SUBGROUPS[-1]
    best, *others = scored(lowest, 0.3, 0.0), scored(first, 0.3), scored(second, 0.2), scored(FULL, 0.14)
    (warning,) = said(best, others)
    assert "P -1 (0.30) or P 2/m (0.30); more rotation" in warning
    assert untold_laue_words(best, [best, *others]) == ["any of Laue group P 2/m"]
    nearer = [best, *others[:2], scored(FULL, 0.16)]
    assert untold_laue_words(best, nearer) == ["any of Laue groups P 2/m, P m m m"]
    of_its_name = [scored(first, 0.4, 0.0), scored(second, 0.4)]
    assert untold_laue_words(of_its_name[0], of_its_name) == ["any of Laue group P 2/m along other axes"]
    assert untold_laue_words(scored(FULL), [scored(FULL), best]) == []


@pytest.mark.parametrize(("n", "is_said"), [(2, True), (3, False)])
def test_elements_without_pairs_ask_for_more_rotation(n, is_said):
    found = said(scored(FULL), elements=[element((1,), 0.95, n), element((0,), 0.0, 0, order=1)])
    assert any("too few related reflections to test 1 symmetry element: 2 | (0, 1, 0)" in w for w in found) == is_said


@pytest.mark.parametrize(("cc", "is_said"), [(0.79, True), (0.81, False)])
def test_an_element_inside_that_agrees_less_well_is_told(cc, is_said):
    inside = element((FULL.members[1],), cc)
    assert any("agrees less well" in w for w in said(scored(FULL), elements=[inside])) == is_said


@pytest.mark.parametrize(("cc", "is_said"), [(0.41, True), (0.39, False)])
def test_an_element_outside_that_is_nearly_true_is_told(cc, is_said):
    outside = next(m for m in FULL.members if m not in MONOCLINIC.members)
    found = said(scored(MONOCLINIC), elements=[element((outside,), cc)])
    assert any("was rejected, but is not far from true" in w for w in found) == is_said


def screw(name, n_present, n_absent):
    return ScrewAxis(name, 0.3, n_present, n_absent, 100.0, 0.0, 10.0, 0.0)


@pytest.mark.parametrize(
    ("screws", "why"),
    [
        ([("21b", 0, 0)], "no 0k0 reflection was measured"),
        ([("61c", 0, 0), ("62c", 0, 0), ("63c", 0, 0)], "no 00l reflection was measured"),
        ([("21a", 0, 0), ("21b", 0, 0), ("21c", 3, 4)], "no h00 and no 0k0 reflection was measured"),
        ([("61c", 2, 1), ("63c", 3, 0)], "no reflection was measured that screw axes 63c extinguish"),
        (
            [("21a", 0, 0), ("21b", 2, 0)],
            "no h00 reflection was measured, and no reflection was measured that screw axes 21b extinguish",
        ),
    ],
)
def test_groups_that_cannot_be_told_apart_are_listed_with_what_was_not_measured(screws, why):
    axes = tuple(screw(*one) for one in screws)
    seen = Absences(axes, (SpaceGroupScore((P21,), 0.6), SpaceGroupScore((P2,), 0.4)), False)
    (warning,) = said(scored(FULL), absences=seen)
    assert warning == f"P 21, P 2 cannot be told apart: {why}; give symmetry.space_group= if it is known"
    assert tells_too_little(warning)


def test_few_axial_reflections_are_told_with_their_number():
    (few,) = said(scored(FULL), absences=certain(0.6, n_absent=2))
    assert few.startswith("P 21, P 2 cannot be told apart for certain: few reflections were measured that ")
    assert "the screw axes extinguish, 2 for 21b; give symmetry.space_group=" in few
    assert tells_too_little(few)


@pytest.mark.parametrize(
    ("p", "n_absent", "words"),
    [(0.94, 1, "rests on 1 reflection;"), (0.94, 3, "rests on 3 reflections;"), (0.94, 4, ""), (0.96, 1, None)],
)
def test_a_clear_choice_from_few_reflections_is_likely_and_not_certain(p, n_absent, words):
    found = said(scored(FULL), absences=certain(p, n_absent))
    if words is None:
        assert found == ()
    else:
        assert found[0].startswith(f"the space group is likely, not certain: P 21 ({p}), then P 2 ({1 - p:.2f}); ")
        assert words in found[0]
    assert said(scored(FULL), absences=certain(p, n_absent), given=P21) == ()


def test_on_how_few_reflections_screw_axes_rest():
    """Those of the group only, whatever the others were seen to do."""
    axes = [("21a", 1), ("21b", 2), ("21c", 7)]
    screws = tuple(ScrewAxis(name, 0.9, 5, n, 100.0, 0.0, 10.0, 0.0) for name, n in axes)
    seen = Absences(screws, (), True)
    both = "screw axis 21 along a rests on 1 reflection, 21 along b on 2"
    assert resting_on_few(gemmi.SpaceGroup("P 21 21 21"), seen) == both
    assert resting_on_few(gemmi.SpaceGroup("P 2 21 21"), seen) == "screw axis 21 along b rests on 2 reflections"
    assert resting_on_few(gemmi.SpaceGroup("P 2 2 21"), seen) == ""


@pytest.mark.parametrize(("name", "axes"), [("P 41", "41c"), ("P 42", "42c"), ("P 4", ""), ("I 41", "41c")])
def test_the_screw_axes_of_a_group(name, axes):
    tested = tuple(ScrewAxis(f"{kind}c", 0.5, 5, 2, 1.0, 0.0, 1.0, 0.0) for kind in ("41", "42"))
    found = screws_of(gemmi.SpaceGroup(name), Absences(tested, (), True))
    assert [screw.name for screw in found] == ([axes] if axes else [])


def test_a_given_group_is_warned_of_only_where_the_data_speak_against_it():
    assert said(scored(FULL, 0.06, 0.0), absences=certain(0.6), given=P21) == ()
    best = scored(MONOCLINIC, 0.04, 0.0)
    (warning,) = symmetry_warnings(best, [scored(FULL, 0.9), best], (), certain(), MODEL, P21)
    assert "the Laue group of P 21, which was given, is not that of the intensities" in warning
    assert "where P m m m (0.90) is likeliest" in warning


@pytest.mark.parametrize(
    ("score", "p", "is_said"), [(0.04, 0.95, True), (0.06, 0.95, False), (0.04, 0.6, False), (None, 0.95, False)]
)
def test_absences_speak_against_a_given_group_only_if_they_are_certain(score, p, is_said):
    setting = GivenSetting(P2, np.eye(3), score)
    found = said(scored(FULL), absences=certain(p), given=P2, setting=setting)
    assert any("the absences speak against P 2, which was given, and for P 1 21 1" in w for w in found) == is_said


def test_a_cell_that_is_none_of_the_group_is_told():
    setting = GivenSetting(P2, np.eye(3), 0.9, has_cell=False)
    (warning,) = said(scored(FULL), given=P2, setting=setting)
    assert "the unit cell that was given is not a cell of P 2 of this lattice" in warning
