"""Boxes of spots as bytes: every pixel in its place, and nothing written beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.kernels.pack_shoeboxes import (
    HEADER,
    PER_PIXEL,
    BoxPixels,
    box_pixels,
    box_sizes,
    pack_shoeboxes,
)


def spots(seed: int, n: int, largest: int = 4, most: int = 2**24):
    """Boxes at random places, of sides up to `largest`, each with some of its pixels, of counts up to `most`."""
    rng = np.random.default_rng(seed)
    low, extent = rng.integers(-5, 1000, (n, 3)), rng.integers(1, largest + 1, (n, 3))
    bbox = np.stack([low, low + extent], axis=2).reshape(n, 6).astype(np.int32)
    inside = [np.flatnonzero(rng.random(size) < 0.5) for size in box_sizes(bbox)]
    start = np.concatenate([[0], np.cumsum([len(places) for places in inside])]).astype(np.intp)
    columns = [[], [], []]
    for places, (x0, x1, y0, y1, z0, _) in zip(inside, bbox, strict=True):
        nx, ny = x1 - x0, y1 - y0
        for column, values in zip(
            columns, (places % nx + x0, places // nx % ny + y0, places // (nx * ny) + z0), strict=True
        ):
            column.append(values)
    x, y, z = (np.concatenate(column).astype(np.int32) for column in columns)
    return bbox, start, inside, (x, y, z, rng.integers(-3, most, len(x)).astype(np.int32))


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 12),
    largest=st.sampled_from([4, 4, 4, 60]),
    most=st.sampled_from([2, 2**15, 2**15 + 1, 2**24]),
)
def test_every_pixel_in_its_place(seed, n, largest, most):
    bbox, start, inside, pixels = spots(seed, n, largest, most)
    order = np.random.default_rng(seed).permutation(n)
    header = np.column_stack([np.arange(n), bbox + 7])[order].astype(np.int32)
    packed = pack_shoeboxes(header, order, box_pixels(bbox, start, pixels), 5)
    begin = 0
    for k, spot in enumerate(order):
        size = int(box_sizes(bbox[spot][None])[0])
        box = packed[begin : begin + HEADER + PER_PIXEL * size].tobytes()
        begin += len(box)
        np.testing.assert_array_equal(np.frombuffer(box[:28], "<i4"), header[k])
        assert box[28] == 1
        counts, mask, background = np.frombuffer(box[29:], "<f4").reshape(3, size)
        expected = np.zeros(size)
        expected[inside[spot]] = pixels[3][start[spot] : start[spot + 1]]
        np.testing.assert_array_equal(counts, expected)
        np.testing.assert_array_equal(mask.view("<i4"), 5 * np.isin(np.arange(size), inside[spot]))
        np.testing.assert_array_equal(background, 0)
    assert begin == len(packed)


@pytest.mark.parametrize(
    ("sides", "counts", "n_bytes"),
    [((2, 2, 2), 32767, 4), ((2, 2, 2), 32768, 6), ((256, 256, 1), 1, 4), ((256, 257, 1), -32769, 8)],
)
def test_pixels_are_held_in_as_few_bytes_as_hold_them(sides, counts, n_bytes):
    bbox = np.array([[0, sides[0], 0, sides[1], 0, sides[2]]], np.int32)
    last = [np.array([side - 1], np.int32) for side in sides]
    pixels = box_pixels(bbox, np.array([0, 1]), [*last, np.array([counts], np.int32)])
    assert pixels.place.itemsize + pixels.counts.itemsize == n_bytes
    assert int(pixels.place[0]) == np.prod(sides) - 1
    assert int(pixels.counts[0]) == counts


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("place", [-1, 2])
def test_a_pixel_outside_of_its_box_is_refused(axis, place):
    bbox = np.array([[0, 2, 0, 2, 0, 2]], np.int32)
    pixels = [np.zeros(1, np.int32) for _ in range(4)]
    pixels[axis][0] = place
    with pytest.raises(ValueError, match="box 0 does not hold"):
        box_pixels(bbox, np.array([0, 1]), pixels)


def test_a_box_too_large_to_number_its_pixels_is_refused():
    bbox = np.array([[0, 50000, 0, 50000, 0, 1]], np.int32)
    with pytest.raises(ValueError, match="2500000000 pixels"):
        box_pixels(bbox, np.array([0, 1]), [np.zeros(1, np.int32)] * 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": np.array([0, 2])}, "start must lie"),
        ({"start": np.array([1, 0])}, "do not fit"),
        ({"start": np.array([0])}, "do not fit"),
        ({"bbox": np.array([[0, 2, 0, 2, 2, 2]])}, "box 0 does not hold"),
    ],
)
def test_pixels_that_do_not_fit_their_spots_are_refused(change, said):
    right = {
        "bbox": np.array([[0, 2, 0, 2, 0, 2]]), "start": np.array([0, 1]), "pixels": [np.zeros(1, int)] * 4,
    }  # fmt: skip
    assert len(box_pixels(**right).place) == 1
    with pytest.raises(ValueError, match=said):
        box_pixels(**right | change)


TWO = np.array([[2, 2, 2]])
START = np.array([0, 1], np.intp)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"boxes": BoxPixels(TWO + 1, START, np.zeros(1, np.int32), np.zeros(1, np.int32))}, "another size"),
        ({"header": np.array([[0, 0, 0, 0, 2, 0, 2]])}, "empty"),
        ({"spots": np.array([1])}, "spots must lie"),
        ({"spots": np.array([0, 0])}, "do not fit"),
        ({"boxes": BoxPixels(TWO, np.array([0, 2]), np.zeros(1, np.int32), np.zeros(1, np.int32))}, "start must lie"),
        ({"boxes": BoxPixels(TWO, START[:1], np.zeros(1, np.int32), np.zeros(1, np.int32))}, "do not fit"),
        ({"boxes": BoxPixels(TWO, START, np.zeros(0, np.int32), np.zeros(1, np.int32))}, "start must lie"),
        ({"boxes": BoxPixels(TWO, START, np.full(1, 8, np.uint16), np.zeros(1, np.int16))}, "does not hold"),
        ({"boxes": BoxPixels(TWO, START, np.full(1, -1, np.int32), np.zeros(1, np.int16))}, "does not hold"),
        ({"mask": -1}, "mask is -1"),
        ({"mask": 1 << 80}, "mask is"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    bbox = np.array([[0, 2, 0, 2, 0, 2]])
    right = {
        "header": np.column_stack([[0], bbox]), "spots": np.array([0]),
        "boxes": box_pixels(bbox, np.array([0, 1]), [np.zeros(1, int)] * 4), "mask": 5,
    }  # fmt: skip
    assert len(pack_shoeboxes(**right)) == HEADER + 8 * PER_PIXEL
    with pytest.raises(ValueError, match=said):
        pack_shoeboxes(**right | change)
