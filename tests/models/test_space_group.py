from __future__ import annotations

import gemmi
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from autoproc.models.space_group import (
    SpaceGroupName,
    primitive_basis,
    proper_rotations_of,
    rotations_of,
    space_group_named,
    symbol,
    symbols_by_system,
)

NAMES = ("P 1", "C 1 2 1", "I 1 2 1", "P 21 21 21", "F 2 3", "I 4 3 2", "P 61 2 2", "R 3 :H", "R 3 :R")


@pytest.mark.parametrize("name", ["P 43 21 2", "P43212", " 96", "96"])
def test_names_and_numbers(name):
    assert space_group_named(name).number == 96


@pytest.mark.parametrize(
    ("number", "name"), [("70", "F d d d:2"), ("88", "I 41/a:2"), ("5", "C 1 2 1"), ("146", "R 3:H")]
)
def test_numbers_are_of_the_standard_setting(number, name):
    assert space_group_named(number).xhm() == name


@pytest.mark.parametrize("name", ["P 9", "0", "231", "", "\udce4P 1", "\u00b2"])
def test_names_of_nothing(name):
    assert space_group_named(name) is None
    with pytest.raises(ValidationError, match="is not a space group"):
        TypeAdapter(SpaceGroupName).validate_python(name)


@pytest.mark.parametrize("name", NAMES)
def test_rotations_are_a_group_that_begins_with_the_identity(name):
    rotations = rotations_of(gemmi.SpaceGroup(name))
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    members = {w.tobytes() for w in rotations}
    assert {(a @ b).tobytes() for a in rotations for b in rotations} == members


@pytest.mark.parametrize("name", NAMES)
def test_rotations_act_on_indices_as_gemmi_does(name):
    group = gemmi.SpaceGroup(name)
    hkl = [1, -2, 5]
    expected = [op.apply_to_hkl(hkl) for op in group.operations().sym_ops]
    np.testing.assert_array_equal(np.array(hkl) @ rotations_of(group), expected)


@pytest.mark.parametrize("name", NAMES)
def test_primitive_cell_holds_one_lattice_point(name):
    group = gemmi.SpaceGroup(name)
    basis = primitive_basis(group)
    assert np.linalg.det(basis) == pytest.approx(1 / len(group.operations().cen_ops))


def test_symbols_are_as_short_as_people_write_them():
    short = {"P 1 21 1": "P 21", "C 1 2 1": "C 2", "I 1 2 1": "I 2", "P 1 2/m 1": "P 2/m", "P 1": "P 1", "P -1": "P -1"}
    same = ("P 21 21 21", "P 1 1 21", "R 3:H", "P 3 2 1", "P 3 1 2", "P 43 21 2", "I 2 3", "H 3 2")
    assert {name: symbol(gemmi.SpaceGroup(name)) for name in short} == short
    assert [symbol(gemmi.SpaceGroup(name)) for name in same] == [gemmi.SpaceGroup(name).xhm() for name in same]


def test_every_symbol_names_its_own_setting():
    groups = [*gemmi.spacegroup_table()]
    assert [space_group_named(symbol(group)).xhm() for group in groups] == [group.xhm() for group in groups]


@pytest.mark.parametrize("name", ["P 1 21/c 1", "P n a 21", "P b c a", "I -4 2 d", "P a -3", "P 43 21 2"])
def test_proper_rotations_are_those_of_the_laue_group(name):
    group = gemmi.SpaceGroup(name)
    laue = group.operations().derive_symmorphic()
    laue.add_inversion()
    rotations = proper_rotations_of(group)
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    assert np.all(np.linalg.det(rotations).round() == 1)
    assert 2 * len(rotations) == len(laue.sym_ops)
    known = {(np.array(op.rot) // gemmi.Op.DEN).tobytes() for op in laue.sym_ops}
    assert {w.tobytes() for w in rotations} <= known


def test_every_space_group_is_offered_once_under_its_system():
    found = symbols_by_system()
    assert list(found) == ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"]
    numbers = [space_group_named(name).number for names in found.values() for name in names]
    assert sorted(numbers) == list(range(1, 231))
    assert found["monoclinic"][:3] == ("P 2", "P 21", "C 2")
