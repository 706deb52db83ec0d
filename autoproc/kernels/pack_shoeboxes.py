"""Shoeboxes of spots as DIALS keeps them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.kernels import _pack_shoeboxes
from autoproc.kernels.arguments import counts, rows, whole

HEADER = 29
PER_PIXEL = 12


def box_sizes(bbox: np.ndarray) -> np.ndarray:
    """(N,) number of pixels of boxes (N, 6): x0 x1 y0 y1 z0 z1, half-open."""
    return np.prod(bbox[:, 1::2].astype(np.int64) - bbox[:, ::2], axis=1)


def pack_shoeboxes(
    header: np.ndarray, spots: np.ndarray, bbox: np.ndarray, start: np.ndarray, pixels: Sequence[np.ndarray], mask: int
) -> np.ndarray:
    """The packed boxes of N spots, one after the other, as bytes (uint8); see formats.shoeboxes.

    header : (N, 7) panel and bbox to be written; spots : (N,) which of the S spots each is
    bbox : (S, 6) the box of each spot, of the size that is written; start : (S + 1,) spot k has the pixels
        start[k]:start[k + 1] of pixels x, y, z and counts, (P,) each
    mask : of these pixels; all others of a box are 0 throughout
    Raises ValueError where a box is empty, of another size, or does not hold its pixels.
    """
    header, bbox = counts(header, (None, 7), "header"), counts(bbox, (None, 6), "bbox")
    spots = rows(spots, len(bbox), "spots")
    x, y, z, values = (counts(column, (len(pixels[0]),), "pixels") for column in pixels)
    start = rows(start, len(x) + 1, "start")
    if len(spots) != len(header) or len(start) != len(bbox) + 1 or np.any(np.diff(start) < 0):
        raise ValueError(
            f"{len(header)} headers, {len(spots)} spots, {len(bbox)} boxes and {len(start)} starts do not fit"
        )
    extent, size = (np.diff(boxes)[:, ::2] for boxes in (header[:, 1:].astype(np.int64), bbox[spots].astype(np.int64)))
    if np.any(extent != size) or np.any(extent <= 0):
        raise ValueError("boxes are empty, or of another size than those of their spots")
    offset = np.concatenate([[0], np.cumsum(HEADER + PER_PIXEL * np.prod(extent, axis=1))]).astype(np.intp)
    packed = np.empty(offset[-1], np.uint8)
    mask = whole(mask, 0, np.iinfo(np.int32).max, "mask")
    wrong = _pack_shoeboxes.pack(header, spots, bbox, start, x, y, z, values, mask, offset, packed)
    if wrong >= 0:
        raise ValueError(f"box {wrong} does not hold the pixels of its spot")
    return packed
