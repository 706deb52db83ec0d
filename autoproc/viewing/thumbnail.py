"""A sweep's first image at a glance: small, so that lists of sweeps can show it, and no spot is lost."""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIZE = 96
"""Pixels along the longer side: twice what lists show, for screens with fine pixels."""
DARKEST = 99.7
"""Percentile of the pooled counts that is black: spots are a few in a thousand of the blocks of an image."""
PALEST = 30.0
"""Percentile that is white: below what most blocks of background hold."""


def thumbnail(counts: np.ndarray, trusted: np.ndarray) -> bytes:
    """A grey PNG, dark where there are many counts; white where no pixel may be trusted.

    counts : (slow, fast) counts; trusted : (slow, fast) bool
    """
    pooled = max_pooled(np.where(trusted, counts, -1), SIZE)
    is_there = pooled >= 0
    if not is_there.any():
        return grey_png(np.full(pooled.shape, 255, dtype=np.uint8))
    logarithms = np.log1p(np.maximum(pooled, 0).astype(float))
    pale, dark = np.percentile(logarithms[is_there], (PALEST, DARKEST))
    grey = 255.0 * (1.0 - np.clip((logarithms - pale) / max(dark - pale, 0.5), 0.0, 1.0))
    return grey_png(np.where(is_there, grey, 255.0).astype(np.uint8))


def max_pooled(values: np.ndarray, size: int) -> np.ndarray:
    """The largest value of each square block, so that the longer side has at most `size` of them."""
    step = max(1, -(-max(values.shape) // size))
    rows, columns = (np.arange(0, length, step) for length in values.shape)
    pooled: np.ndarray = np.maximum.reduceat(np.maximum.reduceat(values, rows, axis=0), columns, axis=1)
    return pooled


def grey_png(grey: np.ndarray) -> bytes:
    """A PNG of (rows, columns) uint8, 0 black (https://www.w3.org/TR/png-3/)."""
    rows, columns = grey.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # each begins with the number of its filter: none
    lines[:, 1:] = grey
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
