"""Byte-offset compression of CBF images (Bernstein & Hammersley, ITvG 2.3), decoded."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _byte_offset
from autoproc.kernels.arguments import whole

MOST_PIXELS = 1 << 40
TOO_LARGE = -(1 << 62)


def decode_byte_offset(packed: bytes | memoryview, n: int) -> tuple[np.ndarray, int]:
    """Decode n pixels from the start of `packed`.

    Returns (n,) int16, or int32 where a pixel does not fit, and the number of bytes that they took. Values are taken
    modulo 2**32, so that an unsigned 2**32 - 1 is -1. Raises ValueError if the bytes end before the pixels do.
    """
    source = memoryview(packed)
    n = whole(n, 0, MOST_PIXELS, "the number of pixels")
    for dtype in (np.int16, np.int32):
        pixels = np.empty(min(n, source.nbytes + 1), dtype)  # each takes a byte: no more can be there
        used = _byte_offset.decode(source, pixels)
        if used != TOO_LARGE:
            break
    if used < 0:
        raise ValueError(f"the data end after {-1 - used} of {n} pixels")
    return pixels, used
