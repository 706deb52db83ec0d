"""Flags of a reference follow the reflections, whatever the settings of the reference and of the data."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal, experiment, scaled

from autoproc.combining.against_reference import ReferenceDoesNotFit
from autoproc.combining.flags_of_reference import OtherAxes, with_flags_of
from autoproc.formats.observed.free_flags import FreeFlags
from autoproc.formats.observed.reference_data import ReferenceData
from autoproc.geometry.asu import to_asu
from autoproc.stages.merge import MergeParams, format_merge, merge

GROUP = gemmi.SpaceGroup("P 4")
CELL = gemmi.UnitCell(50, 50, 40, 90, 90, 90)
MADE = crystal(CELL.parameters, "P 4")
SAME = np.eye(3)
SWAP = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
"""A rotation of the lattice that the group lacks: its indexing ambiguity."""


@pytest.fixture(scope="module")
def merged():
    return merge([experiment(MADE)], scaled(MADE, d_min=4.0), MergeParams())


def flags_from(merged, change=SAME, has_sets=True, with_intensities=True, keep=slice(None)):
    """Random flags for some of the data, in another setting."""
    hkl = to_asu(np.rint(merged.hkl @ np.asarray(change).T).astype(np.int32), GROUP)[0][keep]
    number = np.random.default_rng(4).integers(0, 12 if has_sets else 2, len(merged.hkl)).astype(np.int32)[keep]
    known = ReferenceData(hkl, merged.intensity[keep], CELL, GROUP, "merged data") if with_intensities else None
    return FreeFlags(hkl, number, has_sets, "FreeR_flag: 0 is the test set", CELL, GROUP, known), number


@pytest.mark.parametrize("change", [SAME, SWAP])
def test_flags_follow_the_reflections_into_another_setting(merged, change):
    flags, number = flags_from(merged, change)
    found = with_flags_of(merged, flags)
    np.testing.assert_array_equal(found.free_r, number)
    assert ("in another setting" in found.free_r_origin) == (change is SWAP)
    assert f"for {len(merged)} of {len(merged)} reflections; none is new" in found.free_r_origin
    assert found.free_r_origin in format_merge(found)


def test_without_intensities_the_setting_is_taken_to_be_the_same_and_that_is_said(merged):
    flags, number = flags_from(merged, with_intensities=False)
    found = with_flags_of(merged, flags)
    np.testing.assert_array_equal(found.free_r, number)
    assert "it has no intensities that tell whether its setting is the same" in found.free_r_origin


def test_what_the_reference_lacks_is_new(merged):
    flags, number = flags_from(merged, keep=slice(0, 300))
    found = with_flags_of(merged, flags)
    np.testing.assert_array_equal(found.free_r[:300], number)
    assert f"for 300 of {len(merged)} reflections; the others have new ones" in found.free_r_origin
    assert (found.free_r[300:] == 0).mean() == pytest.approx((number == 0).mean(), abs=0.05)


def test_two_values_become_sets(merged):
    flags, number = flags_from(merged, has_sets=False)
    found = with_flags_of(merged, flags)
    np.testing.assert_array_equal(found.free_r == 0, number == 0)


def test_a_reference_of_another_structure_is_warned_of_and_turns_nothing(merged):
    flags, _ = flags_from(merged, SWAP)
    shuffled = np.random.default_rng(8).permutation(flags.known.intensity)
    found = with_flags_of(merged, replace(flags, known=replace(flags.known, intensity=shuffled)))
    assert "in another setting" not in found.free_r_origin
    (doubt,) = found.doubts
    assert "hardly agree with those of the reference" in doubt
    given = dict(zip(map(tuple, flags.hkl.tolist()), flags.number.tolist(), strict=True))
    assert [given[tuple(h)] for h in merged.hkl.tolist() if tuple(h) in given] == [
        f for h, f in zip(merged.hkl.tolist(), found.free_r.tolist(), strict=True) if tuple(h) in given
    ]
    assert f"Warning: {doubt}" in format_merge(found)


def test_a_test_set_of_half_the_reflections_is_warned_of(merged):
    flags, _ = flags_from(merged, has_sets=False)
    (doubt,) = with_flags_of(merged, flags).doubts
    assert "of its reflections, and 2 to 10% is usual" in doubt
    assert not with_flags_of(merged, flags_from(merged)[0]).doubts


def test_in_merging(merged):
    flags, number = flags_from(merged)
    again = merge([experiment(MADE)], scaled(MADE, d_min=4.0), MergeParams(), flags=flags)
    np.testing.assert_array_equal(again.free_r, number)
    np.testing.assert_array_equal(again.intensity, merged.intensity)


def test_another_crystal_form_is_refused(merged):
    flags, _ = flags_from(merged)
    with pytest.raises(ReferenceDoesNotFit):
        with_flags_of(merged, replace(flags, cell=gemmi.UnitCell(60, 60, 40, 90, 90, 90)))


def test_other_axes_are_told_apart(merged):
    flags, _ = flags_from(merged)
    turned = replace(flags, cell=gemmi.UnitCell(40, 50, 50, 90, 90, 90), space_group=gemmi.SpaceGroup("P 2 2 2"))
    with pytest.raises(OtherAxes, match="on other axes"):
        with_flags_of(merged, turned)


def test_flags_that_contradict_each_other_are_counted(merged):
    flags, _ = flags_from(merged, has_sets=False)
    assert "several flags" not in with_flags_of(merged, flags).free_r_origin
    turned = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    mates = (flags.hkl[:30] @ turned).astype(np.int32)
    both = np.concatenate([flags.number, np.r_[flags.number[:10], 1 - flags.number[10:30]]])
    disputed = replace(flags, hkl=np.concatenate([flags.hkl, mates]), number=both)
    found = with_flags_of(merged, disputed)
    n = 20 - int((flags.hkl[10:30, :2] == 0).all(axis=1).sum())
    assert f"{n} reflections have several flags there, of which the lowest is taken" in found.free_r_origin
