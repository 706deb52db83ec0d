from __future__ import annotations

from collections import Counter

import gemmi
import numpy as np
import pytest

from autoproc.models.space_group import primitive_basis
from autoproc.symmetry.lattice_symmetry import cell_of, lattice_symmetry, metric_of
from autoproc.symmetry.settings import centring, in_basis
from autoproc.symmetry.subgroups import find_subgroups, multiplication_table


def subgroups(group: str, cell: tuple[float, ...], **kwargs):
    matrix = primitive_basis(gemmi.SpaceGroup(group))
    lattice = lattice_symmetry(cell_of(matrix @ metric_of(cell) @ matrix.T), 2.0)
    return lattice, find_subgroups(lattice, **kwargs)


INSULIN = ("I 2 3", (77.65, 77.65, 77.65, 90, 90, 90))


def test_the_lattices_of_cubic_insulin_are_those_of_the_tutorial():
    _, groups = subgroups(*INSULIN)
    assert len(groups) == 30
    bravais = Counter(g.bravais for g in groups if g.is_bravais)
    assert bravais == {"cI": 1, "hR": 4, "tI": 3, "oF": 3, "oI": 1, "mI": 9, "aP": 1}


def test_the_laue_groups_of_cubic_insulin_are_those_of_the_tutorial():
    _, groups = subgroups(*INSULIN)
    names = Counter(g.patterson.xhm() for g in groups)
    assert names == {
        "I m -3 m": 1, "I m -3": 1, "I 4/m m m": 3, "I 4/m": 3, "R -3 m:H": 4, "R -3:H": 4,
        "F m m m": 3, "I m m m": 1, "I 1 2/m 1": 9, "P -1": 1,
    }  # fmt: skip


def test_hexagonal_lattices_offer_both_settings_of_32():
    _, groups = subgroups("P 6 2 2", (40, 40, 50, 90, 90, 120))
    names = {g.space_group.xhm() for g in groups}
    assert {"P 3 1 2", "P 3 2 1", "P 3", "P 6", "C 2 2 2"} <= names
    assert len(groups) == 16


@pytest.mark.parametrize(
    ("group", "cell"),
    [
        INSULIN,
        ("F 4 3 2", (80, 80, 80, 90, 90, 90)),
        ("P 6 2 2", (40, 40, 50, 90, 90, 120)),
        ("R 3 2:H", (60, 60, 50, 90, 90, 120)),
        ("P 4 2 2", (77.6, 77.6, 37.4, 90, 90, 90)),
        ("C 2 2 2", (40, 69, 50, 90, 90, 90)),
    ],
)
def test_conventional_cells_are_right_handed_and_show_their_symmetry(group, cell):
    lattice, groups = subgroups(group, cell)
    for found in groups:
        assert np.linalg.det(found.basis) > 0.5
        operations = found.space_group.operations()
        expected = {(np.array(op.rot) // gemmi.Op.DEN).tobytes() for op in operations.sym_ops}
        actual = {w.astype(int).tobytes() for w in in_basis(lattice.rotations[list(found.members)], found.basis)}
        assert actual == expected
        assert operations.find_centering() == centring(found.basis)[0]
        volume = gemmi.UnitCell(*lattice.cell).volume * round(np.linalg.det(found.basis))
        assert gemmi.UnitCell(*found.cell).volume == pytest.approx(volume, rel=1e-4)


def test_a_subgroups_own_lattice_counts_not_the_crystals():
    """A monoclinic subgroup of an exactly tetragonal cell is still a lattice type of its own."""
    _, groups = subgroups("P 4 2 2", (77.6, 77.6, 37.4, 90, 90, 90))
    assert [g.space_group.xhm() for g in groups if not g.is_bravais] == ["P 4"]


def test_delta_is_that_of_the_two_folds_of_the_lattice():
    _, groups = subgroups("P 1", (37.4, 77.6, 77.6, 90.3, 90, 90))
    by_name = {g.space_group.xhm(): g.delta for g in groups}
    assert by_name["P 4 2 2"] == pytest.approx(0.3, abs=0.01)
    assert by_name["P 4"] == by_name["P 4 2 2"]
    assert by_name["C 2 2 2"] == pytest.approx(0, abs=1e-5)
    assert by_name["P 1"] == 0


def test_monoclinic_setting_is_the_least_oblique_unless_c2_is_asked_for():
    cell = (96.4, 51.2, 62.3, 90, 112.7, 90)
    best = subgroups("C 1 2 1", cell)[1][0]
    c2 = subgroups("C 1 2 1", cell, monoclinic="C2")[1][0]
    assert best.space_group.xhm() == "I 1 2 1"
    assert best.cell == pytest.approx((62.3, 51.2, 92.407, 90, 105.760, 90), abs=0.001)
    assert c2.space_group.xhm() == "C 1 2 1"
    assert c2.cell == pytest.approx(cell, abs=0.01)


def test_c2_stays_where_it_is_less_oblique():
    best = subgroups("C 1 2 1", (96.4, 51.2, 62.3, 90, 95.0, 90))[1][0]
    assert best.space_group.xhm() == "C 1 2 1"


def test_multiplication_table_is_that_of_a_group():
    lattice, _ = subgroups(*INSULIN)
    table = multiplication_table(lattice.rotations)
    everything = np.arange(24)
    assert all(np.array_equal(np.sort(row), everything) for row in table)
    assert all(np.array_equal(np.sort(column), everything) for column in table.T)


@pytest.mark.parametrize("beta", [92.0, 95.0, 101.0, 112.7, 124.0])
def test_either_monoclinic_setting_can_be_insisted_on(beta):
    cell = (96.4, 51.2, 62.3, 90, beta, 90)
    found = {s: subgroups("C 1 2 1", cell, monoclinic=s)[1][0] for s in ("best", "C2", "I2")}
    assert [found[s].space_group.xhm() for s in ("C2", "I2")] == ["C 1 2 1", "I 1 2 1"]
    oblique = {s: abs(group.cell[4] - 90) for s, group in found.items()}
    assert oblique["best"] == pytest.approx(min(oblique.values()))
    assert all(group.cell[4] >= 90 for group in found.values())
