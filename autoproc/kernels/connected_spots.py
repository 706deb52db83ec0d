"""Connected components of strong pixels over several frames."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _connected_spots


def connected_spots(frame: np.ndarray, index: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Group strong pixels into spots: neighbours share an edge, or a place on consecutive frames.

    frame : (N,) frame numbers; index : (N,) slow * width + fast; sorted by frame, then index, no pair
        twice
    width : pixels of an image along fast
    Returns order (N,) and start (S + 1,): the pixels of spot k are order[start[k]:start[k + 1]], sorted
    as they came; spots are in the order of their first pixels. Raises ValueError if not sorted.
    """
    frame = np.ascontiguousarray(frame, np.int32)
    index = np.ascontiguousarray(index, np.int32)
    if frame.shape != index.shape or frame.ndim != 1:
        raise ValueError(f"frame {frame.shape} and index {index.shape} must be 1-D and alike")
    if width < 1:
        raise ValueError(f"an image of width {width} is impossible")
    key_step = np.diff(frame.astype(np.int64) << 32 | index)
    if np.any(key_step <= 0):
        raise ValueError("pixels must be sorted by frame, then by index, and occur once")
    labels = np.empty(len(frame), np.intp)
    n = _connected_spots.label(frame, index, width, np.empty(len(frame), np.intp), labels)
    start = np.zeros(n + 1, np.intp)
    order = np.empty(len(frame), np.intp)
    _connected_spots.group(labels, start, order)
    return order, start
