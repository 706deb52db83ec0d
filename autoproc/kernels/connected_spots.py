"""Strong pixels over several frames: connected components of them, and how often and how strong each pixel is."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _connected_spots
from autoproc.kernels.arguments import require_arrays, rows, whole

MOST = np.iinfo(np.int32).max
"""Frames and pixels are numbered in 32 bits."""


def connected_spots(frame: np.ndarray, index: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Group strong pixels into spots: neighbours share an edge, or a place on consecutive frames.

    frame : (N,) frame numbers; index : (N,) slow * width + fast; sorted by frame, then index, no pair
        twice
    width : pixels of an image along fast
    Returns order (N,) and start (S + 1,): the pixels of spot k are order[start[k]:start[k + 1]], sorted
    as they came; spots are in the order of their first pixels. Raises ValueError if not sorted, or no such numbers.
    """
    frame, index = np.asarray(frame), np.asarray(index)
    if frame.shape != index.shape or frame.ndim != 1:
        raise ValueError(f"frame {frame.shape} and index {index.shape} must be 1-D and alike")
    width = whole(width, 1, MOST, "the width of an image")
    frame, index = _counted(frame, "frames"), _counted(index, "pixels")
    key_step = np.diff(frame.astype(np.int64) << 32 | index)
    if np.any(key_step <= 0):
        raise ValueError("pixels must be sorted by frame, then by index, and occur once")
    labels = np.empty(len(frame), np.intp)
    n = _connected_spots.label(frame, index, width, np.empty(len(frame), np.intp), labels)
    start = np.zeros(n + 1, np.intp)
    order = np.empty(len(frame), np.intp)
    _connected_spots.group(labels, start, order)
    return order, start


def tally_pixels(index: np.ndarray, values: np.ndarray, table: np.ndarray) -> None:
    """Count the strong pixels of an image, each once, and add up their values.

    index : (N,) slow * width + fast; values : (N,)
    table : (pixels of an image, 3) float32, to which 1, the value and its square are added; 2**24 images can be counted
    """
    require_arrays(table)
    if table.ndim != 2 or table.shape[1] != 3 or table.dtype != np.float32 or not table.flags.c_contiguous:
        raise ValueError(f"table is {table.dtype} {table.shape}, expected a contiguous float32 (pixels, 3)")
    index = _counted(rows(index, len(table), "index"), "pixels")
    values = np.ascontiguousarray(values, np.float32)
    if values.shape != index.shape:
        raise ValueError(f"index {index.shape} and values {values.shape} must be alike")
    _connected_spots.tally(index, values, table)


def _counted(numbers: np.ndarray, what: str) -> np.ndarray:
    """The same as int32. Raises ValueError for what is no count."""
    if numbers.dtype.kind not in "iu" or (numbers.size and not 0 <= numbers.min() <= numbers.max() <= MOST):
        raise ValueError(f"{what} must be whole numbers from 0 to {MOST}")
    return np.ascontiguousarray(numbers, np.int32)
