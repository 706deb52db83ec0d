"""Byte-offset compression of CBF images (Bernstein & Hammersley, ITvG 2.3), decoded."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _byte_offset


def decode_byte_offset(packed: bytes | memoryview, n: int) -> tuple[np.ndarray, int]:
    """Decode n pixels from the start of `packed`.

    Returns (n,) int32 and the number of bytes that they took. Values are taken modulo 2**32, so that
    an unsigned 2**32 - 1 is -1. Raises ValueError if the bytes end before the pixels do.
    """
    if n < 0:
        raise ValueError(f"{n} pixels, expected at least 0")
    pixels = np.empty(n, np.int32)
    used = _byte_offset.decode(memoryview(packed), pixels)
    if used < 0:
        raise ValueError(f"the data end after {-1 - used} of {n} pixels")
    return pixels, used
