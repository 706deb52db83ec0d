from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.geometry.asu import complete_set
from autoproc.merging.free_r import carried_on, free_r_flags, in_sets
from autoproc.models.space_group import rotations_of

CELL = gemmi.UnitCell(77.6, 77.6, 37.4, 90, 90, 90)


def test_five_percent_and_even_sets():
    hkl = complete_set(CELL, gemmi.SpaceGroup("P 43 21 2"), 1.8)
    counts = np.bincount(free_r_flags(hkl, gemmi.SpaceGroup("P 43 21 2")), minlength=20) / len(hkl)
    assert len(counts) == 20
    assert np.abs(counts - 0.05).max() < 0.01


def test_flags_do_not_depend_on_resolution_or_order():
    group = gemmi.SpaceGroup("P 43 21 2")
    hkl = complete_set(CELL, group, 3.0)
    flags = free_r_flags(hkl, group)
    order = np.random.default_rng(0).permutation(len(hkl))
    np.testing.assert_array_equal(free_r_flags(hkl[order], group), flags[order])


def test_mates_of_the_lattice_share_a_flag():
    group = gemmi.SpaceGroup("P 4")
    hkl = complete_set(CELL, group, 4.0)
    np.testing.assert_array_equal(free_r_flags(hkl, group), free_r_flags(hkl[:, [1, 0, 2]], group))
    np.testing.assert_array_equal(free_r_flags(hkl, group), free_r_flags(-hkl, group))


def test_another_seed_is_another_choice():
    group = gemmi.SpaceGroup("P 4")
    hkl = complete_set(CELL, group, 4.0)
    assert (free_r_flags(hkl, group) != free_r_flags(hkl, group, seed=1)).mean() > 0.8


def with_equivalents(hkl, number, group):
    """Known flags as carried_on takes them."""
    rotations = rotations_of(group)
    return np.concatenate([hkl @ w for w in rotations]).astype(np.int32), np.tile(number, len(rotations))


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    group=st.sampled_from(["P 1", "P 2", "P 4", "P 43 21 2"]),
    share=st.floats(0.05, 0.95),
)
def test_known_flags_stay_and_new_ones_have_their_share(seed, group, share):
    space_group, rng = gemmi.SpaceGroup(group), np.random.default_rng(seed)
    hkl = complete_set(gemmi.UnitCell(40, 40, 40, 90, 90, 90), space_group, 3.0)
    number = rng.integers(0, 10, len(hkl))
    told = rng.uniform(size=len(hkl)) < share
    mates = -hkl[told] if seed % 2 else hkl[told]
    flags, is_known = carried_on(hkl, space_group, *with_equivalents(mates, number[told], space_group))
    np.testing.assert_array_equal(is_known, told)
    np.testing.assert_array_equal(flags[told], number[told])
    assert set(flags.tolist()) <= set(number[told].tolist())


def test_higher_resolution_has_the_share_of_the_known_ones():
    group = gemmi.SpaceGroup("P 43 21 2")
    low, high = (complete_set(CELL, group, d) for d in (3.0, 1.8))
    number = np.where(np.random.default_rng(1).uniform(size=len(low)) < 0.1, 0, 1)
    flags, is_known = carried_on(high, group, *with_equivalents(low, number, group))
    assert is_known.sum() == len(low)
    new = flags[~is_known]
    assert (new == 0).mean() == pytest.approx((number == 0).mean(), abs=0.01)
    again, _ = carried_on(high[::-1], group, *with_equivalents(low, number, group))
    np.testing.assert_array_equal(again[::-1], flags)


def test_lower_symmetry_has_the_flag_at_every_equivalent_and_higher_the_test_set_first():
    low, high = gemmi.SpaceGroup("P 4"), gemmi.SpaceGroup("P 4 2 2")
    hkl = complete_set(CELL, high, 4.0)
    number = free_r_flags(hkl, high, seed=5)
    expanded = complete_set(CELL, low, 4.0)
    flags, is_known = carried_on(expanded, low, *with_equivalents(hkl, number, high))
    assert is_known.all()
    np.testing.assert_array_equal(flags, free_r_flags(expanded, high, seed=5))
    of_pair = np.array([[1, 2, 3], [2, 1, 3]])
    flags, _ = carried_on(of_pair[:1], high, *with_equivalents(of_pair, np.array([7, 0]), low))
    assert flags.tolist() == [0]


def test_new_mates_by_the_lattice_go_with_known_ones():
    group = gemmi.SpaceGroup("P 4")
    hkl = complete_set(CELL, group, 4.0)
    told = hkl[:, 0] > hkl[:, 1]
    number = free_r_flags(hkl, group, seed=3)
    flags, is_known = carried_on(hkl, group, *with_equivalents(hkl[told], number[told], group))
    np.testing.assert_array_equal(is_known, told)
    has_mate = (hkl[:, 0] < hkl[:, 1]) & (hkl[:, 0] > 0)
    np.testing.assert_array_equal(flags[has_mate], number[has_mate])


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_rest_goes_into_sets_of_the_size_of_the_test_set(share):
    group = gemmi.SpaceGroup("P 43 21 2")
    hkl = complete_set(CELL, group, 1.8)
    flags = (np.random.default_rng(0).uniform(size=len(hkl)) > share).astype(np.int32)
    sets = in_sets(flags, hkl, group)
    np.testing.assert_array_equal(sets == 0, flags == 0)
    counts = np.bincount(sets) / len(hkl)
    assert len(counts) == round(1 / share)
    assert np.abs(counts - share).max() < 0.02
