"""Shoeboxes of spots as DIALS keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _pack_shoeboxes
from autoproc.kernels import arguments as given

HEADER = 29
PER_PIXEL = 12
MOST_PIXELS = int(np.iinfo(np.int32).max)
"""Of a box, which are numbered in 32 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxPixels:
    """Pixels of S spots, each with a box of its own, in as few bytes as hold them.

    size : (S, 3) int64, pixels of each box along fast, slow and frame
    start : (S + 1,) intp; spot k has the pixels start[k]:start[k + 1]
    place : (P,) uint16 or int32, the number of a pixel in its box along fast, then slow, then frame
    counts : (P,) int16 or int32
    """

    size: np.ndarray
    start: np.ndarray
    place: np.ndarray
    counts: np.ndarray


def box_sizes(bbox: np.ndarray) -> np.ndarray:
    """(N,) number of pixels of boxes (N, 6): x0 x1 y0 y1 z0 z1, half-open."""
    return np.prod(_extent(bbox), axis=1)


def _extent(bbox: np.ndarray) -> np.ndarray:
    return bbox[:, 1::2].astype(np.int64) - bbox[:, ::2]


def box_pixels(bbox: np.ndarray, start: np.ndarray, pixels: Sequence[np.ndarray]) -> BoxPixels:
    """The pixels of spots with boxes bbox (S, 6), of which spot k has start[k]:start[k + 1].

    pixels : x, y, z and counts, (P,) each
    Raises ValueError where a box is too large, or does not hold its pixels.
    """
    bbox = given.counts(bbox, (None, 6), "bbox")
    x, y, z, counts = (given.counts(column, (len(pixels[0]),), "pixels") for column in pixels)
    start = given.rows(start, len(x) + 1, "start")
    if len(start) != len(bbox) + 1 or np.any(np.diff(start) < 0):
        raise ValueError(f"{len(bbox)} boxes and {len(start)} starts do not fit")
    extent = _extent(bbox)
    most = float(np.prod(extent.clip(0), axis=1, dtype=float).max(initial=0))
    if most > MOST_PIXELS:
        raise ValueError(f"a box has {most:.0f} pixels, more than {MOST_PIXELS}")
    place = np.zeros(len(x), np.uint16 if most <= 1 << 16 else np.int32)
    wrong = _pack_shoeboxes.place_pixels(bbox, start, x, y, z, place)
    if wrong >= 0:
        raise ValueError(f"box {wrong} does not hold the pixels of its spot")
    short = np.iinfo(np.int16)
    is_short = short.min <= counts.min(initial=0) and counts.max(initial=0) <= short.max
    return BoxPixels(extent, start, place, counts.astype(np.int16) if is_short else counts)


def pack_shoeboxes(header: np.ndarray, spots: np.ndarray, boxes: BoxPixels, mask: int) -> np.ndarray:
    """The packed boxes of N spots, one after the other, as bytes (uint8); see formats.dials.shoeboxes.

    header : (N, 7) panel and bbox to be written; spots : (N,) which of those of `boxes` each is
    mask : of their pixels; all others of a box are 0 throughout
    Raises ValueError where a box is empty, of another size than its spot's, or does not hold its pixels.
    """
    header = given.counts(header, (None, 7), "header")
    spots = given.rows(spots, len(boxes.size), "spots")
    n_pixels = min(len(boxes.place), len(boxes.counts))
    if len(spots) != len(header) or len(boxes.start) != len(boxes.size) + 1:
        raise ValueError(f"{len(header)} headers, {len(spots)} spots, {len(boxes.size)} boxes do not fit")
    begin, end = (given.rows(boxes.start[spots + k], n_pixels + 1, "start") for k in (0, 1))
    extent = _extent(header[:, 1:])
    if np.any(extent != boxes.size[spots]) or np.any(extent <= 0):
        raise ValueError("boxes are empty, or of another size than those of their spots")
    offset = np.concatenate([[0], np.cumsum(HEADER + PER_PIXEL * np.prod(extent, axis=1))]).astype(np.intp)
    packed = np.empty(offset[-1], np.uint8)
    mask = given.whole(mask, 0, np.iinfo(np.int32).max, "mask")
    wrong = _pack_shoeboxes.pack(header, begin, end, boxes.place, boxes.counts, mask, offset, packed)
    if wrong >= 0:
        raise ValueError(f"box {wrong} does not hold the pixels of its spot")
    return packed
