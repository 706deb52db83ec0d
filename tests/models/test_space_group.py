from __future__ import annotations

import gemmi
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from autoproc.models.space_group import SpaceGroupName, primitive_basis, rotations_of, space_group_named

NAMES = ("P 1", "C 1 2 1", "I 1 2 1", "P 21 21 21", "F 2 3", "I 4 3 2", "P 61 2 2", "R 3 :H", "R 3 :R")


@pytest.mark.parametrize("name", ["P 43 21 2", "P43212", " 96", "96"])
def test_names_and_numbers(name):
    assert space_group_named(name).number == 96


@pytest.mark.parametrize("name", ["P 9", "0", "231", ""])
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
