"""The pixels of spots as DIALS keeps them in .refl files, so that its programs can measure spot shapes.

A shoebox is packed as: uint32 panel, int32 bbox[6], uint8 1 (pixels follow), then for each pixel of
the box, in order of frame, slow, fast: float32 counts, int32 mask, float32 background.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

HEADER = 29
PER_PIXEL = 12
SIGNAL = 5
"""Mask code of a pixel of the spot: valid (1) and foreground (4)."""


def box_sizes(bbox: np.ndarray) -> np.ndarray:
    """(N,) number of pixels of boxes (N, 6): x0 x1 y0 y1 z0 z1, half-open."""
    return np.prod(bbox[:, 1::2].astype(np.int64) - bbox[:, ::2], axis=1)


def pack_shoeboxes(
    bbox: np.ndarray, panel: np.ndarray, start: np.ndarray, xyz: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """(N,) object array of bytes: one packed shoebox for each spot.

    bbox : (N, 6); panel : (N,); spot k has the pixels start[k]:start[k + 1] of xyz (P, 3) and counts (P,).
    Pixels of the box that are not in the spot have no counts and are masked.
    """
    if not len(bbox):
        return np.empty(0, object)
    size = box_sizes(bbox)
    offset = np.concatenate([[0], np.cumsum(HEADER + PER_PIXEL * size)])
    blob = np.zeros(offset[-1], np.uint8)
    header = np.column_stack([panel.astype(np.int32), bbox.astype(np.int32)]).astype("<i4")
    _scatter(blob, offset[:-1], header)
    blob[offset[:-1] + 28] = 1
    spot = np.repeat(np.arange(len(bbox)), np.diff(start))
    low, extent = bbox[spot, ::2], (bbox[:, 1::2] - bbox[:, ::2])[spot]
    local = xyz - low
    index = (local[:, 2] * extent[:, 1] + local[:, 1]) * extent[:, 0] + local[:, 0]
    first = offset[:-1][spot] + HEADER
    _scatter(blob, first + 4 * index, counts.astype("<f4")[:, None])
    _scatter(blob, first + 4 * (size[spot] + index), np.full((len(spot), 1), SIGNAL, "<i4"))
    return _sliced(blob.tobytes(), offset)


def split_shoeboxes(blob: bytes, bbox: np.ndarray) -> np.ndarray | None:
    """The packed shoeboxes of a .refl file one by one, (N,) object array; None if some hold no pixels."""
    offset = np.concatenate([[0], np.cumsum(HEADER + PER_PIXEL * box_sizes(bbox))])
    if offset[-1] != len(blob):
        return None
    return _sliced(blob, offset)


def _sliced(blob: bytes, offset: np.ndarray) -> np.ndarray:
    edges = offset.tolist()
    pieces = np.empty(len(edges) - 1, object)
    pieces[:] = [blob[a:b] for a, b in pairwise(edges)]
    return pieces


def _scatter(blob: np.ndarray, where: np.ndarray, values: np.ndarray) -> None:
    """Write rows of little-endian 4-byte values (M, n) at byte positions (M,)."""
    rows = np.ascontiguousarray(values).view(np.uint8).reshape(len(where), -1)
    blob[where[:, None] + np.arange(rows.shape[1])] = rows
