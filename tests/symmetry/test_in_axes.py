"""One crystal is spoken of in one setting."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.symmetry.absences import (
    Absences,
    ScrewAxis,
    SpaceGroupScore,
    absence_classes,
    absence_signature,
    standard_setting,
)
from autoproc.symmetry.in_axes import absences_in, named_in, space_group_in

TURNED = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
SWAPPED = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
ORTHORHOMBIC = [group for members in absence_classes(gemmi.SpaceGroup("P 2 2 2")) for group in members]


def screw(name: str) -> ScrewAxis:
    return ScrewAxis(name, 1.0, 9, 9, 1.0, 0.0, 9.0, 0.0)


@pytest.mark.parametrize("change", [TURNED, SWAPPED])
def test_the_choice_of_the_origin_stays(change):
    for name in ("F d d d:1", "F d d d:2", "P n n n:2"):
        assert named_in(gemmi.SpaceGroup(name), change) == name


@pytest.mark.parametrize("change", [np.eye(3), TURNED])
def test_names_follow_the_axes(change):
    """The odd axis of P 21 21 2 is c, the third row's: after a cyclic change it is named where it went."""
    name = named_in(gemmi.SpaceGroup("P 21 21 2"), change)
    for axis in np.eye(3, dtype=int):
        hkl = np.outer(np.arange(1, 9), axis).astype(np.int32)
        before = gemmi.SpaceGroup("P 21 21 2").operations().systematic_absences(hkl)
        after = np.ascontiguousarray(np.rint(hkl @ change.T), np.int32)
        np.testing.assert_array_equal(before, gemmi.SpaceGroup(name).operations().systematic_absences(after))


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ("P 2 2 21", SWAPPED, "P 2 2 21"),
        ("P 21 2 2", SWAPPED, "P 2 21 2"),  # the swap moves the origin too
        ("P 2 21 21", TURNED, "P 21 21 2"),
        ("P 41 21 2", np.eye(3), "P 41 21 2"),
        ("C 2 2 21", TURNED, "B 2 21 2"),
        ("P 1 21 1", TURNED, "P 21 1 1"),
        ("P 31", np.eye(3), "P 31"),
    ],
)
def test_a_group_is_called_by_where_its_axes_are(before, change, after):
    assert space_group_in(gemmi.SpaceGroup(before), change) == gemmi.SpaceGroup(after)


@given(
    group=st.sampled_from(ORTHORHOMBIC),
    order=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([1, -1])] * 2),
)
def test_whatever_the_axes_are_the_same_reflections_are_absent(group, order, signs):
    change = np.diag([*signs, 1]) @ np.eye(3, dtype=int)[order]
    change = change if np.linalg.det(change) > 0 else -change
    found = space_group_in(group, change)
    assert found.number == group.number
    assert absence_signature(found, change) == absence_signature(group)
    assert space_group_in(found, np.linalg.inv(change)) == group


@pytest.mark.parametrize("group", ORTHORHOMBIC)
def test_the_chosen_group_and_its_rivals_keep_their_names_apart(group):
    chosen, change = standard_setting(group, (30.0, 44.0, 37.0, 90.0, 90.0, 90.0))
    names = [named_in(g, change) for g in ORTHORHOMBIC]
    assert len(set(names)) == len(names)
    assert names[ORTHORHOMBIC.index(group)] == chosen.xhm()


def test_screw_axes_move_with_the_names_of_the_groups():
    groups = (
        SpaceGroupScore((gemmi.SpaceGroup("P 2 21 21"),), 0.9),
        SpaceGroupScore((gemmi.SpaceGroup("P 222"),), 0.1),
    )
    told = absences_in(Absences((screw("21b"), screw("21c")), groups, True), TURNED)
    assert [s.name for s in told.screw_axes] == ["21a", "21b"]
    assert [c.groups[0].xhm() for c in told.candidates] == ["P 21 21 2", "P 2 2 2"]
    assert [c.score for c in told.candidates] == [0.9, 0.1]
    assert told.is_certain


def test_a_screw_along_none_of_the_new_axes_keeps_its_name():
    shear = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, -1]])
    assert absences_in(Absences((screw("21b"),), (), True), shear).screw_axes[0].name == "21b"
    assert absences_in(Absences((screw("21a"),), (), True), shear).screw_axes[0].name == "21a"
