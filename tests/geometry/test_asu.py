"""The asymmetric unit, against gemmi's own mapping and against counting by hand."""

from __future__ import annotations

from itertools import product

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.geometry import asu as asu_module
from autoproc.geometry.asu import PLACES, complete_set, group_unique, linear_code, to_asu
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


@FEW
@given(st.lists(st.tuples(*[st.integers(-2, 3)] * 3), min_size=20, max_size=60), st.integers(-(10**6), 10**6))
def test_unique_rows_of_a_small_box_are_counted_through_alike(rows, away):
    hkl = np.array(rows, np.int32) + np.array([away, 0, -away], np.int32)
    unique, inverse = group_unique(hkl)
    expected, numbers = np.unique(hkl, axis=0, return_inverse=True)
    np.testing.assert_array_equal(unique, expected)
    np.testing.assert_array_equal(inverse, numbers.ravel())
    assert unique.dtype == hkl.dtype


def test_a_few_indices_far_apart_take_no_room():
    hkl = np.array([[2_000_000, -3, 0], [-2_000_000, 7, 2_000_000], [2_000_000, -3, 0]], np.int32)
    unique, inverse = group_unique(hkl)
    np.testing.assert_array_equal(unique, hkl[[1, 0]])
    np.testing.assert_array_equal(inverse, [1, 0, 1])


@pytest.mark.parametrize("name", GROUPS)
def test_block_by_block_is_as_all_at_once(name, monkeypatch):
    group = gemmi.SpaceGroup(name)
    hkl = np.random.default_rng(3).integers(-9, 10, (100, 3))
    at_once = to_asu(hkl, group)
    monkeypatch.setattr(asu_module, "ROWS", 7)
    for blocks, expected in zip(to_asu(hkl, group), at_once, strict=True):
        np.testing.assert_array_equal(blocks, expected)


def test_no_index_is_the_asymmetric_unit_of_none():
    asu, isym = to_asu(np.zeros((0, 3), np.int32), gemmi.SpaceGroup("P 1 21 1"))
    assert asu.shape == (0, 3)
    assert isym.shape == (0,)


@FEW
@given(st.lists(st.tuples(*[st.integers(-350_000, 350_000)] * 3), min_size=2, max_size=30, unique=True))
def test_codes_of_different_indices_differ(rows):
    hkl = np.array(rows, np.int64)
    assert len(set(linear_code(hkl.T, PLACES).tolist())) == len(rows)


@pytest.mark.parametrize("name", GROUPS)
def test_the_code_of_an_image_comes_of_places_turned(name):
    hkl = np.random.default_rng(4).integers(-900, 900, (50, 3))
    for rotation in rotations_of(gemmi.SpaceGroup(name)):
        turned = linear_code((hkl @ rotation).T, PLACES)
        np.testing.assert_array_equal(linear_code(hkl.T, rotation @ PLACES), turned)


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
