"""The byte-offset compression of CBF."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _byte_offset_write
from autoproc.kernels.arguments import counts

MOST_BYTES_A_PIXEL = 15


def encode_byte_offset(pixels: np.ndarray) -> bytes:
    """Compress an array of any shape, as int32, in the order of its memory (fast axis last)."""
    flat = counts(np.ravel(pixels), (None,), "pixels")
    target = np.empty(MOST_BYTES_A_PIXEL * len(flat), np.uint8)
    n_bytes = _byte_offset_write.encode(flat, target)
    return target[:n_bytes].tobytes()
