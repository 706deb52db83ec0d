"""Boxes of spots as bytes: every pixel in its place, and nothing written beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.kernels.pack_shoeboxes import HEADER, PER_PIXEL, box_sizes, pack_shoeboxes


def spots(seed: int, n: int):
    """Boxes at random places, each with some of its pixels."""
    rng = np.random.default_rng(seed)
    low, extent = rng.integers(-5, 1000, (n, 3)), rng.integers(1, 5, (n, 3))
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
    return bbox, start, inside, (x, y, z, rng.integers(-3, 2**24, len(x)).astype(np.int32))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12))
def test_every_pixel_in_its_place(seed, n):
    bbox, start, inside, pixels = spots(seed, n)
    order = np.random.default_rng(seed).permutation(n)
    header = np.column_stack([np.arange(n), bbox + 7])[order].astype(np.int32)
    packed = pack_shoeboxes(header, order, bbox, start, pixels, 5)
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


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("place", [-1, 2])
def test_a_pixel_outside_of_its_box_is_refused(axis, place):
    bbox = np.array([[0, 2, 0, 2, 0, 2]], np.int32)
    pixels = [np.zeros(1, np.int32) for _ in range(4)]
    pixels[axis][0] = place
    header = np.column_stack([[0], bbox])
    with pytest.raises(ValueError, match="box 0 does not hold"):
        pack_shoeboxes(header, np.array([0]), bbox, np.array([0, 1]), pixels, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bbox": np.array([[0, 3, 0, 2, 0, 2]])}, "another size"),
        ({"header": np.array([[0, 0, 0, 0, 2, 0, 2]]), "bbox": np.array([[0, 0, 0, 2, 0, 2]])}, "empty"),
        ({"spots": np.array([1])}, "spots must lie"),
        ({"spots": np.array([0, 0])}, "do not fit"),
        ({"start": np.array([0, 2])}, "start must lie"),
        ({"start": np.array([1, 0])}, "do not fit"),
        ({"start": np.array([0])}, "do not fit"),
        ({"mask": -1}, "mask is -1"),
        ({"mask": 1 << 80}, "mask is"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    bbox = np.array([[0, 2, 0, 2, 0, 2]])
    right = {
        "header": np.column_stack([[0], bbox]), "spots": np.array([0]), "bbox": bbox, "start": np.array([0, 1]),
        "pixels": [np.zeros(1, int)] * 4, "mask": 5,
    }  # fmt: skip
    assert len(pack_shoeboxes(**right)) == HEADER + 8 * PER_PIXEL
    with pytest.raises(ValueError, match=said):
        pack_shoeboxes(**right | change)
