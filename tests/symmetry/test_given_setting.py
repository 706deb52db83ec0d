from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.models.space_group import rotations_of
from autoproc.symmetry.absences import Absences, SpaceGroupScore, analyse_absences
from autoproc.symmetry.given_setting import (
    given_setting,
    possible_changes,
    setting_with_cell,
)
from autoproc.symmetry.lattice_symmetry import cell_of, lattice_symmetry, metric_of
from autoproc.symmetry.settings import in_basis
from autoproc.symmetry.subgroups import Subgroup, find_subgroups

ORTHORHOMBIC = find_subgroups(lattice_symmetry((40, 50, 60, 90, 90, 90), 1.0))[0]
MONOCLINIC = find_subgroups(lattice_symmetry((40, 50, 60, 90, 105, 90), 1.0))[0]


def unknown(subgroup: Subgroup) -> Absences:
    none = np.zeros(0)
    return analyse_absences(subgroup.space_group, np.zeros((0, 3), np.int32), none, none, none)


def cell_after(change: np.ndarray, subgroup: Subgroup) -> tuple[float, ...]:
    return cell_of(change @ metric_of(subgroup.cell) @ change.T)


@pytest.mark.parametrize("name", ["P 2 2 2", "P 21 21 2", "P 2 21 21", "P 21 2 21"])
def test_orthorhombic_axes_may_be_any_permutation(name):
    changes = possible_changes(gemmi.SpaceGroup(name), ORTHORHOMBIC)
    cells = {tuple(np.round(cell_after(m, ORTHORHOMBIC)[:3], 3)) for m in changes}
    assert len(cells) == 6
    assert np.linalg.det(changes) == pytest.approx(1.0)
    rotations = rotations_of(gemmi.SpaceGroup(name))
    keys = {w.tobytes() for w in rotations}
    for m in changes:
        assert {w.tobytes() for w in in_basis(rotations_of(ORTHORHOMBIC.space_group), m)} == keys


def test_a_group_of_other_rotations_has_no_axes():
    assert len(possible_changes(gemmi.SpaceGroup("P 4 2 2"), ORTHORHOMBIC)) == 0
    assert len(possible_changes(gemmi.SpaceGroup("I 2 2 2"), ORTHORHOMBIC)) == 0
    assert given_setting(gemmi.SpaceGroup("P 4"), ORTHORHOMBIC, unknown(ORTHORHOMBIC), None, None) is None


@pytest.mark.parametrize("cell", [(50, 60, 40), (60, 50, 40), (40, 60, 50)])
def test_the_users_cell_decides_the_axes(cell):
    found = given_setting(gemmi.SpaceGroup("P 21 21 2"), ORTHORHOMBIC, unknown(ORTHORHOMBIC), (*cell, 90, 90, 90), None)
    assert found.has_cell
    assert cell_after(found.change, ORTHORHOMBIC)[:3] == pytest.approx(cell)


def test_a_cell_that_is_nearly_that_of_two_settings_takes_the_nearer():
    lattice = find_subgroups(lattice_symmetry((40, 41, 60, 90, 90, 90), 0.5))[0]
    for cell in ((40.2, 40.8, 60.0), (40.8, 40.2, 60.0)):
        found = given_setting(gemmi.SpaceGroup("P 2 2 2"), lattice, unknown(lattice), (*cell, 90, 90, 90), None)
        a, b, _ = cell_after(found.change, lattice)[:3]
        assert (a < b) == (cell[0] < cell[1])


@pytest.mark.parametrize(("length", "has_cell"), [(52.4, True), (52.7, False)])
def test_a_cell_more_than_a_twentieth_off_is_another(length, has_cell):
    cell = (40, length, 60, 90, 90, 90)
    found = given_setting(gemmi.SpaceGroup("P 2 2 2"), ORTHORHOMBIC, unknown(ORTHORHOMBIC), cell, None)
    assert found.has_cell == has_cell
    if not has_cell:
        assert cell_after(found.change, ORTHORHOMBIC)[:3] == pytest.approx((40, 50, 60))


@pytest.mark.parametrize(("angle", "has_cell"), [(94.9, True), (95.1, False)])
def test_so_is_one_more_than_5_degrees_off(angle, has_cell):
    cell = (40, 50, 60, 90, angle, 90)
    found = given_setting(gemmi.SpaceGroup("P 2 2 2"), ORTHORHOMBIC, unknown(ORTHORHOMBIC), cell, None)
    assert found.has_cell == has_cell


def test_absences_decide_where_no_cell_is_given():
    """Screw axes of lengths 40 and 60: P 21 21 2 has its odd one, 50, as c."""
    true = gemmi.SpaceGroup("P 21 2 21")
    hkl = np.concatenate([np.outer(np.arange(1, 20), axis) for axis in np.eye(3, dtype=int)]).astype(np.int32)
    absent = np.asarray(true.operations().systematic_absences(hkl), bool)
    e2 = np.where(absent, 0.0, 1.0)
    absences = analyse_absences(ORTHORHOMBIC.space_group, hkl, e2, np.full(len(hkl), 0.05), np.ones(len(hkl)))
    found = given_setting(gemmi.SpaceGroup("P 21 21 2"), ORTHORHOMBIC, absences, None, None)
    assert cell_after(found.change, ORTHORHOMBIC)[:3] == pytest.approx((40, 60, 50))
    assert found.score > 0.9
    wrong = given_setting(gemmi.SpaceGroup("P 21 21 2"), ORTHORHOMBIC, absences, (40, 50, 60, 90, 90, 90), None)
    assert wrong.score < 0.01


def test_axes_that_the_crystal_has_are_kept_and_otherwise_ordered():
    kept = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    group, none = gemmi.SpaceGroup("P 2 2 2"), unknown(ORTHORHOMBIC)
    np.testing.assert_allclose(given_setting(group, ORTHORHOMBIC, none, None, kept).change, kept)
    np.testing.assert_allclose(given_setting(group, ORTHORHOMBIC, none, None, None).change, np.eye(3))
    cell = given_setting(group, ORTHORHOMBIC, none, (50, 60, 40, 90, 90, 90), kept)  # beside a cell they count nothing
    assert cell_after(cell.change, ORTHORHOMBIC)[:3] == pytest.approx((50, 60, 40))


def test_another_unique_axis_can_be_asked_for():
    found = given_setting(gemmi.SpaceGroup("P 1 1 2"), MONOCLINIC, unknown(MONOCLINIC), None, None)
    assert sorted(cell_after(found.change, MONOCLINIC)[:2]) == pytest.approx([40, 60])
    assert cell_after(found.change, MONOCLINIC)[2:] == pytest.approx((50, 90, 90, 105))


def test_a_known_cell_names_the_setting_of_a_group_that_was_found():
    """The screw axes stay where they were found, along 50 and 60."""
    found, none = gemmi.SpaceGroup("P 2 21 21"), unknown(ORTHORHOMBIC)
    setting = setting_with_cell(found, ORTHORHOMBIC, none, (60, 40, 50, 90, 90, 90))
    assert setting.group.xhm() == "P 21 2 21"
    assert cell_after(setting.change, ORTHORHOMBIC)[:3] == pytest.approx((60, 40, 50))
    assert setting_with_cell(found, ORTHORHOMBIC, none, (40, 50, 99, 90, 90, 90)) is None


def test_without_candidates_of_its_absences_a_setting_has_no_score():
    absences = Absences((), (SpaceGroupScore((gemmi.SpaceGroup("P 2 2 2"),), 1.0),), True)
    assert given_setting(gemmi.SpaceGroup("P 2 2 2"), ORTHORHOMBIC, absences, None, None).score is None
