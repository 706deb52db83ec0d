"""An image at all scales, a pixel of each the highest of four of the one before.

A pixel has a code: 0 is no count, the highest of its type an overload, and in between a count is how far it is above
the lowest, from 1 on. So the highest code of four is the right one, whatever they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.kernels import _image_pyramid
from autoproc.kernels.arguments import flags, pixels, require_arrays, whole

CODES = (np.dtype(np.uint16), np.dtype(np.uint32))
MOST_LEVELS = 32
FITS_16 = (-(1 << 15) + 2, (1 << 15) - 1)
"""Lowest counts, from and to, with which every count of 16 bits has a code of 16 bits."""
FITS_32 = (-(1 << 31) + 2, (1 << 31) - 1)
"""The same of 32 bits."""


def pool_rows(levels: Sequence[np.ndarray], first: int, end: int) -> None:
    """Make the coarser levels of rows [first, end) of the finest, which holds codes.

    levels : (slow, fast) uint16, or all uint32, each half as large as the one before, rounded up
    first : a multiple of the rows of the finest level that one of the coarsest stands for; so is end, or it is the last
    """
    finest, coarser, first, end = _checked(levels, first, end)
    if finest.size:
        _image_pyramid.pool(finest, coarser, first, end)


def code_rows(
    counts: np.ndarray,
    mask: np.ndarray,
    lowest: int,
    overload: int,
    levels: Sequence[np.ndarray],
    first: int,
    end: int,
) -> bool:
    """Make all levels, as pool_rows does, of rows [first, end) of an image; whether the type of the codes holds them.

    counts : (slow, fast) int16 or int32; mask : (slow, fast) bool, True where a pixel may be trusted
    lowest : counts below it are none; overload : good pixels from it on are overloads
    levels : the finest may lie where the counts lie, if their types are equally wide
    Where False is returned, which it is not where the types are equally wide and the lowest count is in FITS_16 or
    FITS_32, what is in the levels means nothing.
    """
    finest, coarser, first, end = _checked(levels, first, end)
    counts = pixels(counts, finest.shape, "counts")
    good = flags(mask, finest.shape, "mask")
    lowest = whole(lowest, *FITS_32, "lowest")
    last = max(whole(overload, *FITS_32, "overload"), lowest) - 1
    if not finest.size:
        return True
    if counts.dtype == np.int16 and finest.dtype == np.uint16 and FITS_16[0] <= lowest <= FITS_16[1]:
        last = min(last, FITS_16[1])
        return not _image_pyramid.code_16(counts, good, lowest, last, finest, coarser, first, end)
    wide = np.ascontiguousarray(counts, np.int32)
    return not _image_pyramid.code_32(wide, good, lowest, last, finest, coarser, first, end)


def _checked(levels: Sequence[np.ndarray], first: int, end: int) -> tuple[np.ndarray, list[np.ndarray], int, int]:
    require_arrays(*levels)
    if not 1 <= len(levels) <= MOST_LEVELS:
        raise ValueError(f"there are {len(levels)} levels, expected 1 to {MOST_LEVELS}")
    finest, *coarser = levels
    shape = finest.shape
    if len(shape) != 2:
        raise ValueError(f"levels are (slow, fast), not of shape {shape}")
    for level in levels:
        if level.dtype != finest.dtype or level.dtype not in CODES:
            raise ValueError(f"levels are all uint16 or all uint32, not {level.dtype}")
        if level.shape != shape or not level.flags.c_contiguous or not level.flags.writeable:
            raise ValueError(f"a level is of shape {level.shape}, expected {shape}, contiguous and free to be written")
        shape = (-(-shape[0] // 2), -(-shape[1] // 2))
    first, end = whole(first, 0, finest.shape[0], "first"), whole(end, 0, finest.shape[0], "end")
    rows = 1 << len(coarser)
    if first % rows or (end % rows and end != finest.shape[0]):
        raise ValueError(f"rows {first} to {end} do not make up whole rows, of {rows} each, of the coarsest level")
    return finest, coarser, first, end
