"""The asymmetric unit, against gemmi's own mapping and against counting by hand."""

from __future__ import annotations

from itertools import product

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.geometry.asu import complete_set, group_unique, to_asu
from autoproc.models.space_group import rotations_of

GROUPS = ("P 1", "P 1 21 1", "C 1 2 1", "P 21 21 21", "P 43 21 2", "P 61", "R 3 :H", "I 21 3", "F 4 3 2")
FEW = settings(max_examples=20)


@pytest.mark.parametrize("name", GROUPS)
def test_indices_and_isym_are_those_of_gemmi(name):
    group = gemmi.SpaceGroup(name)
    hkl = np.random.default_rng(1).integers(-9, 10, (200, 3))
    asu, isym = to_asu(hkl, group)
    table, operations = gemmi.ReciprocalAsu(group), group.operations()
    expected = [table.to_asu(h.tolist(), operations) for h in hkl]
    np.testing.assert_array_equal(asu, [e[0] for e in expected])
    # a centric reflection may be reached by several operations: gemmi's is the first, a plus before its minus
    np.testing.assert_array_equal(isym, [e[1] for e in expected])


@pytest.mark.parametrize("name", GROUPS)
def test_isym_names_the_operation_that_leads_there(name):
    group = gemmi.SpaceGroup(name)
    hkl = np.random.default_rng(2).integers(-9, 10, (200, 3))
    asu, isym = to_asu(hkl, group)
    sign = np.where(isym % 2 == 1, 1, -1)[:, None]
    np.testing.assert_array_equal(asu, sign * np.einsum("ni,nij->nj", hkl, rotations_of(group)[(isym - 1) // 2]))


def test_symmetry_mates_meet_in_one_index():
    group = gemmi.SpaceGroup("P 43 21 2")
    mates = np.array([3, -5, 2]) @ rotations_of(group)
    asu, _ = to_asu(np.concatenate([mates, -mates]), group)
    assert len(np.unique(asu, axis=0)) == 1


@FEW
@given(st.lists(st.tuples(*[st.integers(-300, 300)] * 3), max_size=40))
def test_unique_rows_are_those_of_numpy(rows):
    hkl = np.array(rows, np.int32).reshape(-1, 3)
    unique, inverse = group_unique(hkl)
    expected, numbers = np.unique(hkl, axis=0, return_inverse=True)
    np.testing.assert_array_equal(unique, expected)
    np.testing.assert_array_equal(inverse, numbers.ravel())


@pytest.mark.parametrize("name", ["P 1 21 1", "C 1 2 1", "P 43 21 2", "I 2 3"])
def test_the_complete_set_is_what_counting_every_index_finds(name):
    group, cell = gemmi.SpaceGroup(name), gemmi.UnitCell(18, 18, 18, 90, 90, 90)
    asu, operations = gemmi.ReciprocalAsu(group), group.operations()
    found = {
        hkl
        for hkl in product(range(-6, 7), repeat=3)
        if any(hkl) and 3.5 <= cell.calculate_d(hkl) <= 9.5 and asu.is_in(hkl)
        and not operations.is_systematically_absent(hkl)
    }  # fmt: skip
    assert {tuple(h) for h in complete_set(cell, group, 3.5, 9.5).tolist()} == found
    assert len(complete_set(cell, group, 3.5)) > len(found)


@pytest.mark.parametrize("low", [-1, 0, 4])
def test_every_index_of_a_full_box_is_one_of_its_own(low):
    """Where the numbers of neighbouring indices touch, none is taken for another, in whatever order they come."""
    box = np.array(list(product(range(low, low + 2), range(-low, 3 - low), range(low - 5, low - 1))), np.int32)
    shuffled = np.random.default_rng(0).permutation(np.repeat(box, 2, axis=0))
    unique, inverse = group_unique(shuffled)
    np.testing.assert_array_equal(unique, box)
    np.testing.assert_array_equal(unique[inverse], shuffled)
