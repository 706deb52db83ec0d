from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.cell_and_group import CellAgainstGroup, cells_apart, doubts_of_cells, forbidden_by_centring
from autoproc.models.crystal import Crystal, b_matrix


def crystal(group, cell):
    return Crystal(b_matrix(cell), gemmi.SpaceGroup(group))


@pytest.mark.parametrize(
    ("group", "cell"),
    [
        ("P 1", (30, 35, 40, 85, 95, 105)), ("P 1 21 1", (40, 50, 60, 90, 105, 90)),
        ("P 1 1 2", (40, 50, 60, 90, 90, 105)), ("P 21 21 21", (40, 50, 60, 90, 90, 90)),
        ("P 4", (40, 40, 60, 90, 90, 90)), ("P 6", (40, 40, 60, 90, 90, 120)), ("H 3", (40, 40, 60, 90, 90, 120)),
        ("R 3:R", (40, 40, 40, 80, 80, 80)), ("F 4 3 2", (40, 40, 40, 90, 90, 90)),
    ],
)  # fmt: skip
def test_what_a_group_allows(group, cell):
    assert doubts_of_cells("x", [crystal(group, cell)]) == []


@pytest.mark.parametrize(
    ("group", "cell", "said"),
    [
        ("P 4", (40, 50, 60, 90, 90, 90), "P 4 is tetragonal, and the cell 40 50 60 90 90 90"),
        ("P 6", (40, 40, 60, 90, 90, 90), "P 6 is hexagonal"),
        ("P 1 21 1", (40, 50, 60, 90, 90, 105), "monoclinic with the unique axis b"),
        ("P 21 21 21", (40, 50, 60, 90, 105, 90), "P 21 21 21 is orthorhombic"),
        ("H 3", (40, 40, 40, 80, 80, 80), "trigonal in hexagonal axes"),
        ("R 3:R", (40, 40, 60, 90, 90, 120), "trigonal in rhombohedral axes"),
        ("P 2 3", (40, 40, 43, 90, 90, 90), "P 2 3 is cubic"),
    ],
)  # fmt: skip
def test_what_it_does_not(group, cell, said):
    with pytest.raises(CellAgainstGroup, match=f"a_file tells .*{said}.*autoproc symmetry"):
        doubts_of_cells("a_file", [None, crystal(group, cell)])


def test_what_is_a_little_off_is_told_once():
    (doubt,) = doubts_of_cells("x", [crystal("P 4", (40, 40.4, 60, 90, 90, 90))] * 3)
    assert "40 40.4 60 90 90 90 is not quite what P 4 (tetragonal) asks for: off by up to 0.5%" in doubt


def test_axes_over_a_scan_that_are_of_another_cell():
    made = crystal("P 2 2 2", (40, 50, 60, 90, 90, 90))
    varying = np.array([1.003 * made.A] * 11)
    assert doubts_of_cells("x", [replace(made, A_at_scan_points=varying)]) == []
    (doubt,) = doubts_of_cells("x", [replace(made, A_at_scan_points=varying / 1.1)])
    assert "40 50 60 90 90 90 by the crystal's axes and 43.8684 54.8355 65.8026" in doubt


def test_cells_are_apart_by_lengths_or_angles():
    cell = (40, 50, 60, 90, 100, 90)
    assert cells_apart(cell, cell) == 0
    assert cells_apart(cell, (40, 50, 60.6, 90, 100, 90)) == pytest.approx(0.01)
    assert cells_apart(cell, (40, 50, 60, 90, 99, 90)) == pytest.approx(np.radians(1))


@given(st.sampled_from(["P 1", "C 1 2 1", "I 2 3", "F 4 3 2", "H 3", "R 3:R", "A 1 2 1", "I 21 21 21"]))
def test_centring_forbids_what_is_absent_whatever_the_screws(name):
    group = gemmi.SpaceGroup(name)
    hkl = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    part = gemmi.GroupOps([gemmi.Op(), *(gemmi.Op().translated(t) for t in group.operations().cen_ops)])
    wanted = np.asarray(part.systematic_absences(hkl.astype(np.int32)), bool)
    np.testing.assert_array_equal(forbidden_by_centring(group, hkl), wanted)
