"""Bitshuffle/LZ4 decompression of detector chunks, without the HDF5 library's lock."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _bitshuffle_lz4
from autoproc.kernels.arguments import whole

HEADER = 12
LZ4_RATIO = 255
"""Bytes that one of LZ4 may stand for, at the most."""


def decode_bitshuffle_lz4(chunk: bytes, item_size: int, n: int) -> np.ndarray:
    """Decode one HDF5 chunk compressed by filter 32008 with LZ4.

    chunk : the raw bytes: uint64 uncompressed size, uint32 block size in bytes (both big endian), blocks
    item_size : 1, 2 or 4 bytes, unsigned little endian
    n : number of elements
    Returns (n,) int16, or int32 where a count does not fit. The two largest values of the unsigned type, markers of
    bad pixels, are -1 and -2; other 4-byte values above 2**31 - 1 wrap to negative ones. Raises ValueError if the chunk
    is damaged or is not of that size.
    """
    n = whole(n, 0, 1 << 40, "the number of elements")
    if item_size not in (1, 2, 4):
        raise ValueError(f"items of {item_size} bytes, expected 1, 2 or 4")
    if len(chunk) < HEADER:
        raise ValueError(f"the chunk has {len(chunk)} bytes, fewer than its own header")
    size = int.from_bytes(chunk[:8], "big")
    if size > LZ4_RATIO * len(chunk):
        raise ValueError(f"{len(chunk)} bytes of a chunk cannot hold {size}")
    block_bytes = int.from_bytes(chunk[8:12], "big")
    if size != n * item_size:
        raise ValueError(f"the chunk holds {size} bytes, expected {n * item_size}")
    block = (block_bytes or 8192) // item_size
    if block <= 0 or block % 8:
        raise ValueError(f"a block size of {block_bytes} bytes is impossible")
    block = min(block, n - n % 8 + 8)  # however large the header says that a block is, no more elements are in it
    scratch = np.empty(block * item_size + _bitshuffle_lz4.SPARE, np.uint8)
    parts = np.empty(max(block * item_size // 8, 4), np.uint64)
    for dtype in (np.int16, np.int32):
        target = np.empty(n, dtype)
        damaged = _bitshuffle_lz4.decode(memoryview(chunk)[HEADER:], item_size, block, target, scratch, parts)
        if damaged > 0:
            raise ValueError(f"compressed block {damaged} is damaged")
        if damaged == 0:
            break
    return target
