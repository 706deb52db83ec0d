"""Byte-offset compression of CBF images (Bernstein & Hammersley, ITvG 2.3): decoding and encoding."""

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
    used = _byte_offset.decode(memoryview(packed).cast("B") if len(packed) else bytearray(1)[:0], pixels)
    if used < 0:
        raise ValueError(f"the data end after {-1 - used} of {n} pixels")
    return pixels, used


def encode_byte_offset(pixels: np.ndarray) -> bytes:
    """The bytes of int32 pixels of any shape, taken in C order. Raises ValueError for other types."""
    if pixels.dtype != np.int32:
        raise ValueError(f"pixels are {pixels.dtype}, expected int32")
    flat = np.ascontiguousarray(pixels).ravel()
    packed = np.empty(15 * flat.size + 1, np.uint8)
    return packed[: _byte_offset.encode(flat, packed)].tobytes()
