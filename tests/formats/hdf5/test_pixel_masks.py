"""Pixel masks of any shape and type; one that does not fit is said."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from autoproc.formats.hdf5.pixel_masks import good_pixels, pixel_mask

SHAPE = (6, 9)
BAD = np.zeros(SHAPE, bool)
BAD[2, 3:5] = True


def masked(value, name="pixel_mask", shape=SHAPE):
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as handle:
        detector = handle.create_group("detector")
        detector[name] = value
        return pixel_mask(detector, shape)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.uint32, np.int32, np.uint64, np.float32])
@pytest.mark.parametrize("leading", [(), (1,), (1, 1), (3,)])
def test_types_and_leading_dimensions(dtype, leading):
    found = masked(np.broadcast_to(BAD, (*leading, *SHAPE)).astype(dtype))
    np.testing.assert_array_equal(found.good, ~BAD)
    assert ["layers" in warning for warning in found.warnings] == [True] * (leading == (3,))


def test_a_mask_that_lies_the_other_way_is_turned():
    found = masked(BAD.T.astype(np.uint32))
    np.testing.assert_array_equal(found.good, ~BAD)
    assert "is turned" in found.warnings[0]


@pytest.mark.parametrize("shape", [(6, 8), (53,), (0,), (0, 6, 9), (), (6, 9, 2)])
def test_a_mask_of_another_shape_is_told(shape):
    found = masked(np.zeros(shape, np.uint32))
    assert found.good is None
    assert "it is not used" in found.warnings[0]


def test_text_is_no_mask():
    assert "no array of numbers" in masked(np.bytes_(b"none")).warnings[0]


def test_virtual_pixels_may_be_used():
    bits = np.array([0, 1, 2, 1 << 8, 1 << 31, (1 << 31) | 2, 1 << 30], np.uint32)
    good = [True, False, False, False, True, False, False]
    np.testing.assert_array_equal(good_pixels(bits), good)
    np.testing.assert_array_equal(good_pixels(bits.view(np.int32)), good)
    np.testing.assert_array_equal(good_pixels(np.array([0.0, 1.0, np.nan])), [True, False, False])


def test_all_places_count_and_a_mask_the_wrong_way_round_is_doubted():
    np.testing.assert_array_equal(masked(BAD, "detectorSpecific/pixel_mask").good, ~BAD)
    found = masked(~BAD)
    assert "the wrong way round" in found.warnings[0]


def test_no_mask():
    found = masked(1.0, "gain")
    assert found.good is None
    assert not found.warnings


def test_a_flat_mask_goes_row_by_row():
    found = masked(BAD.ravel().astype(np.uint8))
    np.testing.assert_array_equal(found.good, ~BAD)
    assert not found.warnings


def test_a_mask_that_lies_in_a_file_that_is_not_there_is_told():
    found = masked(h5py.ExternalLink("mask.h5", "/mask"))
    assert found.good is None
    assert "is a link to what is not there" in found.warnings[0]


def test_further_masks_count_together_with_the_first_and_without_it():
    more = np.zeros(SHAPE, np.uint8)
    more[5, 8] = 4
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as handle:
        detector = handle.create_group("detector")
        detector["pixel_mask"], detector["pixel_mask_2"] = BAD.astype(np.uint32), more
        detector["pixel_mask_applied"], detector["pixel_mask_of_mine"] = 1, np.ones(SHAPE, np.uint8)
        np.testing.assert_array_equal(pixel_mask(detector, SHAPE).good, ~(BAD | (more > 0)))
        del detector["pixel_mask"]
        np.testing.assert_array_equal(pixel_mask(detector, SHAPE).good, more == 0)
