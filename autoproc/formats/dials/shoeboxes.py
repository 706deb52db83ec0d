"""The pixels of spots as DIALS keeps them in .refl files, so that its programs can measure spot shapes.

A shoebox is packed as: uint32 panel, int32 bbox[6], uint8 1 (pixels follow), then for each pixel of
the box, in order of frame, slow, fast: float32 counts, int32 mask, float32 background.

Packed they take a hundred times the room of the other columns, and nothing of ours looks at them: so spots carry them
unpacked, and they are packed where they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from autoproc.kernels.pack_shoeboxes import HEADER, PER_PIXEL, BoxPixels, box_pixels, box_sizes, pack_shoeboxes

SIGNAL = 5
"""Mask code of a pixel of the spot: valid (1) and foreground (4)."""
TOGETHER = 4096
"""Boxes that are packed at once: some 10 MB."""


@dataclass(slots=True, eq=False)
class Unpacked:
    """A shoebox that is yet to be packed: the spot of this number among others."""

    pixels: BoxPixels
    spot: int


def unpacked_shoeboxes(bbox: np.ndarray, start: np.ndarray, columns: Sequence[np.ndarray]) -> np.ndarray:
    """(N,) object array for a table's column: the shoebox of each spot, which has the pixels start[k]:start[k + 1].

    columns : x, y, z (fast, slow, frame) and counts of the pixels, int32, (P,) each
    Pixels of the box that are not in the spot have no counts and are masked.
    """
    pixels = box_pixels(bbox, start, columns)
    boxes = np.empty(len(bbox), object)
    boxes[:] = [Unpacked(pixels, k) for k in range(len(bbox))]
    return boxes


def packed_length(boxes: np.ndarray, bbox: np.ndarray) -> int:
    """Bytes of shoeboxes (N,), packed or not, with these bboxes (N, 6)."""
    size = HEADER + PER_PIXEL * box_sizes(bbox)
    return sum(len(box) if isinstance(box, bytes) else n for box, n in zip(boxes, size.tolist(), strict=True))


def packed_shoeboxes(boxes: np.ndarray, bbox: np.ndarray, panel: np.ndarray) -> Iterator[bytes | memoryview]:
    """The bytes of shoeboxes (N,), in pieces; those that are not yet packed get these bboxes (N, 6) and panels (N,)."""
    header = np.column_stack([panel, bbox]).astype(np.int32)
    for first in range(0, len(boxes), TOGETHER):
        some = enumerate(boxes[first : first + TOGETHER], first)
        for pixels, group in groupby(some, lambda item: getattr(item[1], "pixels", None)):
            rows, alike = zip(*group, strict=True)
            if pixels is None:
                yield b"".join(alike)
                continue
            spots = np.array([box.spot for box in alike])
            yield pack_shoeboxes(header[list(rows)], spots, pixels, SIGNAL).data


def split_shoeboxes(blob: bytes, bbox: np.ndarray) -> np.ndarray | None:
    """The packed shoeboxes of a .refl file one by one, (N,) object array; None if some hold no pixels."""
    offset = np.concatenate([[0], np.cumsum(HEADER + PER_PIXEL * box_sizes(bbox))])
    if offset[-1] != len(blob):
        return None
    pieces = np.empty(len(bbox), object)
    pieces[:] = [blob[a:b] for a, b in pairwise(offset.tolist())]
    return pieces
