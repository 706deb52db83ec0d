"""From afar a pixel shows the highest count that it stands for, and never one that is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.viewing.image_tiles import (
    SMALLEST,
    TILE,
    level_shapes,
    narrowed,
    pyramid_of_counts,
    pyramid_of_values,
)

sizes = st.integers(1, 700)


def an_image(seed, n_slow, n_fast, lowest, highest, dtype=np.int32):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2.0, (n_slow, n_fast)).astype(dtype) + dtype(lowest)
    spots = rng.random((n_slow, n_fast)) < 0.01
    counts[spots] = rng.integers(lowest - 1, min(highest + 2, 30000), spots.sum())
    return counts, rng.random((n_slow, n_fast)) > 0.1


def highest_trusted(counts, good, is_over, y, x, size):
    """By the definition: of a block of pixels, "over", None, or the highest count."""
    block = np.s_[y * size : (y + 1) * size, x * size : (x + 1) * size]
    if np.any(good[block] & is_over[block]):
        return "over"
    values = counts[block][good[block]]
    return int(values.max()) if len(values) else None


def meaning(code, overload, lowest):
    return None if code == 0 else "over" if code == overload else int(code) - 1 + lowest


@given(st.integers(0, 2**32 - 1), sizes, sizes, st.sampled_from([0, -20, 3]), st.sampled_from([200, 70000]))
def test_every_level_has_the_highest_trusted_count_of_its_blocks(seed, n_slow, n_fast, lowest, highest):
    counts, mask = an_image(seed, n_slow, n_fast, lowest, highest)
    pyramid = pyramid_of_counts(counts, mask, lowest, highest, n_threads=1)
    good, is_over = mask & (counts >= lowest), counts >= highest
    rng = np.random.default_rng(seed)
    for level, codes in enumerate(pyramid.levels):
        assert codes.shape == (-(-n_slow // 2**level), -(-n_fast // 2**level))
        for y, x in zip(rng.integers(0, codes.shape[0], 12), rng.integers(0, codes.shape[1], 12), strict=True):
            expected = highest_trusted(counts, good, is_over, y, x, 2**level)
            assert meaning(codes[y, x], pyramid.overload, lowest) == expected


@given(st.integers(0, 2**32 - 1), sizes, sizes, st.sampled_from([200, 70000, 10**9]))
def test_tiles_make_up_their_level(seed, n_slow, n_fast, highest):
    counts, mask = an_image(seed, n_slow, n_fast, 0, highest)
    pyramid = pyramid_of_counts(counts, mask, 0, highest, n_threads=1)
    for level, codes in enumerate(pyramid.levels):
        rows = []
        for row in range(-(-codes.shape[0] // TILE)):
            tiles = [pyramid.tile(level, row, column) for column in range(-(-codes.shape[1] // TILE))]
            rows.append(np.hstack([widened(tile, pyramid.overload) for tile in tiles]))
        np.testing.assert_array_equal(np.vstack(rows), codes)


def widened(tile, overload):
    wide = tile.astype(np.int64)
    wide[tile == np.iinfo(tile.dtype).max] = overload
    return wide


@given(st.integers(0, 2**32 - 1), st.integers(1, 1200), st.integers(1, 600))
def test_one_bright_pixel_is_seen_from_afar(seed, n_slow, n_fast):
    rng = np.random.default_rng(seed)
    counts = np.ones((n_slow, n_fast), np.int16)
    counts[rng.integers(n_slow), rng.integers(n_fast)] = 998
    for level in pyramid_of_counts(counts, np.ones(counts.shape, bool), 0, 2000, n_threads=1).levels:
        assert (level == 999).sum() == 1


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
@pytest.mark.parametrize(("lowest", "highest"), [(0, 20000), (0, 100), (-40000, 20000), (40000, 50000)])
def test_counts_that_nobody_needs_any_more_make_room(dtype, lowest, highest):
    counts, mask = an_image(7, 300, 280, 0, 30000, dtype)
    kept = pyramid_of_counts(counts.copy(), mask, lowest, highest, n_threads=1)
    moved = pyramid_of_counts(counts, mask, lowest, highest, n_threads=2, in_place=True)
    for one, other in zip(kept.levels, moved.levels, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_image_is_not_overwritten_unasked():
    counts, mask = an_image(8, 300, 280, 0, 30000, np.int16)
    before = counts.copy()
    pyramid_of_counts(counts, mask, 0, 20000, n_threads=1)
    np.testing.assert_array_equal(counts, before)


def test_in_place_an_image_of_16_bits_takes_no_more_memory_than_it_has():
    counts, mask = an_image(9, 300, 280, 0, 30000, np.int16)
    pyramid = pyramid_of_counts(counts, mask, 0, 20000, n_threads=1, in_place=True)
    assert np.shares_memory(pyramid.levels[0], counts)


@pytest.mark.parametrize(
    ("highest", "dtype"), [(3, np.uint8), (254, np.uint8), (255, np.uint16), (65534, np.uint16), (65535, np.uint32)]
)
def test_a_tile_takes_the_least_room(highest, dtype):
    overload = np.iinfo(np.uint32).max
    tile = narrowed(np.array([[0, highest, overload]], np.uint32), overload)
    assert tile.dtype == dtype
    assert tile.tolist() == [[0, highest, np.iinfo(dtype).max]]


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_counts_of_either_type_are_the_same(dtype):
    counts, mask = an_image(3, 300, 280, 0, 20000, dtype)
    same = pyramid_of_counts(counts.astype(np.int32), mask, 0, 20000, n_threads=2)
    for one, other in zip(pyramid_of_counts(counts, mask, 0, 20000, n_threads=1).levels, same.levels, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_number_of_threads_changes_nothing():
    counts, mask = an_image(5, 1100, 900, 0, 500)
    one, three = (pyramid_of_counts(counts, mask, 0, 500, n_threads=n) for n in (1, 3))
    for level, other in zip(one.levels, three.levels, strict=True):
        np.testing.assert_array_equal(level, other)


@given(st.integers(1, 20000), st.integers(1, 20000))
def test_the_coarsest_level_is_small(n_slow, n_fast):
    shapes = level_shapes((n_slow, n_fast))
    assert max(shapes[-1]) <= SMALLEST


@pytest.mark.parametrize("place", [(-1, 0, 0), (9, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 1)])
def test_there_is_no_tile_outside(place):
    pyramid = pyramid_of_counts(np.zeros((100, 100), np.int32), np.ones((100, 100), bool), 0, 10, n_threads=1)
    with pytest.raises(IndexError):
        pyramid.tile(*place)


def test_values_are_rounded_to_steps():
    values = np.array([[0.0, 0.24, 0.26, 1e12]])
    pyramid = pyramid_of_values(values, np.array([[True, True, True, True]]), 0.5, n_threads=1)
    assert pyramid.levels[0][0, :3].tolist() == [1, 1, 2]
    assert pyramid.levels[0][0, 3] == pyramid.overload


def test_an_image_without_any_count():
    pyramid = pyramid_of_counts(np.full((20, 30), -(2**31), np.int32), np.ones((20, 30), bool), 0, 1e9, n_threads=1)
    assert not pyramid.levels[0].any()
