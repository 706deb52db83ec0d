from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from autoproc.kernels.connected_spots import connected_spots, tally_pixels


def sparse(volume):
    frame, slow, fast = np.nonzero(volume)
    return frame, slow * volume.shape[2] + fast


@given(seed=st.integers(0, 2**32 - 1), density=st.floats(0, 1), shape=st.tuples(*[st.integers(1, 9)] * 3))
def test_components_are_those_of_scipy(seed, density, shape):
    volume = np.random.default_rng(seed).random(shape) < density
    frame, index = sparse(volume)
    order, start = connected_spots(frame, index, shape[2])
    expected, n = ndimage.label(volume)
    expected = expected[volume]
    assert len(start) == n + 1
    for k in range(n):
        pixels = order[start[k] : start[k + 1]]
        assert np.all(np.diff(pixels) > 0)
        np.testing.assert_array_equal(pixels, np.flatnonzero(expected == expected[pixels[0]]))
    assert np.all(np.diff(order[start[:-1]]) > 0)


def test_the_end_of_a_row_does_not_touch_the_next():
    _, start = connected_spots(np.zeros(2, int), np.array([4, 5]), 5)
    assert len(start) == 3


def test_a_missing_frame_ends_a_spot():
    _, start = connected_spots(np.array([0, 1, 3]), np.array([7, 7, 7]), 5)
    np.testing.assert_array_equal(start, [0, 2, 3])


@pytest.mark.parametrize(
    ("frame", "index"), [([1, 0], [3, 3]), ([0, 0], [4, 3]), ([0, 0], [3, 3])], ids=["frames", "index", "twice"]
)
def test_unsorted_pixels_are_refused(frame, index):
    with pytest.raises(ValueError, match="sorted"):
        connected_spots(np.array(frame), np.array(index), 5)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="alike"):
        connected_spots(np.zeros(2, int), np.zeros(3, int), 5)
    with pytest.raises(ValueError, match="width"):
        connected_spots(np.zeros(0, int), np.zeros(0, int), 0)


@pytest.mark.parametrize(
    ("frame", "index", "width"),
    [
        ([-1, 0], [3, 4], 5),
        ([0, 0], [-4, 4], 5),
        ([0, 1 << 31], [3, 4], 5),
        ([0, 0], [3, 1 << 40], 5),
        ([0.0, 1.0], [3.0, 4.0], 5),
        ([0, 0], [3, 4], 1 << 31),
        ([0, 0], [3, 4], -5),
    ],
)
def test_numbers_that_count_nothing_are_refused(frame, index, width):
    """Neighbours of such pixels would be looked for outside of the arrays, or after numbers that wrapped round."""
    with pytest.raises(ValueError, match="whole numbers from 0|width of an image is"):
        connected_spots(np.array(frame), np.array(index), width)


def test_strong_pixels_are_counted_and_their_values_added_up():
    rng = np.random.default_rng(3)
    table, images = np.zeros((40, 3), np.float32), []
    for _ in range(9):
        index, values = np.sort(rng.choice(40, 12, replace=False)), rng.integers(-3, 90, 12).astype(np.float32)
        tally_pixels(index, values, table)
        images.append(dict(zip(index.tolist(), values.tolist(), strict=True)))
    for pixel, row in enumerate(table.tolist()):
        seen = [image[pixel] for image in images if pixel in image]
        assert row == [len(seen), sum(seen), sum(value**2 for value in seen)]


@pytest.mark.parametrize(
    ("index", "values", "table"),
    [
        ([5], [1.0], np.zeros((5, 3), np.float32)),
        ([-1], [1.0], np.zeros((5, 3), np.float32)),
        ([1, 2], [1.0], np.zeros((5, 3), np.float32)),
        ([1], [1.0], np.zeros((5, 2), np.float32)),
        ([1], [1.0], np.zeros((5, 3))),
        ([1], [1.0], np.zeros((3, 5), np.float32).T),
    ],
)
def test_a_table_that_has_no_room_for_a_pixel_is_refused(index, values, table):
    with pytest.raises(ValueError, match="index|table"):
        tally_pixels(np.array(index), np.array(values), table)
