"""A space group in other axes: the settings of one type, and the change from one to another."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal

from autoproc.models.space_group import rotations_of
from autoproc.symmetry.other_setting import in_new_axes, is_other_setting, is_same_in, to_other_setting
from autoproc.symmetry.reindex import operator_of, parse_basis

CELLS = {
    "monoclinic": (60, 40, 50, 90, 100, 90), "orthorhombic": (30, 44, 37, 90, 90, 90),
    "trigonal": (50, 50, 60, 90, 90, 120),
}  # fmt: skip
"""Of the standard setting of each system."""
OTHERS = [g for g in gemmi.spacegroup_table() if not g.is_reference_setting()]
SETTINGS = [g.xhm() for g in OTHERS if g.number in (5, 14, 18, 20, 146)]


def in_standard(wanted):
    standard = gemmi.find_spacegroup_by_number(wanted.number)
    return crystal(CELLS[standard.crystal_system_str()], standard.xhm())


@pytest.mark.parametrize("name", SETTINGS)
def test_every_listed_setting_is_reached_from_the_standard_one_and_back(name):
    wanted = gemmi.SpaceGroup(name)
    standard = in_standard(wanted)
    change = to_other_setting(standard, wanted)
    assert np.linalg.det(change) > 0
    assert is_same_in(standard.space_group, wanted, change)
    moved = standard.reindexed(operator_of(change), wanted)
    metric = np.linalg.inv(moved.A.T @ moved.A)
    for w in rotations_of(wanted):  # what the group's symmetry asks of the cell
        np.testing.assert_allclose(w.T @ metric @ w, metric, atol=1e-6 * metric.max())
    back = to_other_setting(moved, standard.space_group)
    assert is_same_in(wanted, standard.space_group, back)
    assert sorted(moved.reindexed(operator_of(back)).cell[:3]) == pytest.approx(sorted(standard.cell[:3]))


def test_of_cells_of_one_symbol_the_least_oblique_is_taken():
    made = crystal((60, 40, 50, 90, 100, 90), "C 1 2 1")
    moved = made.reindexed(operator_of(to_other_setting(made, gemmi.SpaceGroup("I 1 2 1"))))
    assert moved.cell == pytest.approx((50, 40, 71.12, 90, 123.82, 90), abs=0.01)


@pytest.mark.parametrize(
    ("group", "operator", "new"),
    [("P 21 21 2", "b,c,a", "P 21 2 21"), ("P 21 21 2", "c,a,b", "P 2 21 21"), ("P 21 21 2", "b,-a,c", "P 21 21 2"),
     ("C 1 2 1", "a+c,b,c", "I 1 2 1"), ("P 1 21 1", "c,a,b", "P 1 1 21"), ("P 4", "b,c,a", None),
     ("P 1 2 1", "2*a,b,c", None), ("I 2 3", "1/2*b+1/2*c-1/2*a,1/2*a+1/2*c-1/2*b,1/2*a+1/2*b-1/2*c", None),
     ("P 1", "b+c,a+c,a+b", "I 1"), ("P 31", "-a,-b,c", "P 31"), ("P 1 21/c 1", "-a-c,b,a", "P 1 21/n 1")],
)  # fmt: skip
def test_what_a_group_is_called_in_new_axes(group, operator, new):
    found = in_new_axes(gemmi.SpaceGroup(group), parse_basis(operator))
    assert (found and found.xhm()) == new


def test_another_screw_is_no_other_setting():
    assert is_other_setting(gemmi.SpaceGroup("P 21 21 2"), gemmi.SpaceGroup("P 2 21 21"))
    assert not is_other_setting(gemmi.SpaceGroup("P 21 21 21"), gemmi.SpaceGroup("P 2 21 21"))
    assert not is_other_setting(gemmi.SpaceGroup("P n n n:1"), gemmi.SpaceGroup("P n n n:2"))
