"""One image as a pyramid of tiles: its counts, and of every four pixels the highest, again and again.

A pixel that is seen from afar shows the highest count that it stands for, so that a spot of one pixel is never lost;
and what has no count never hides one that is there. Both are in the order of the codes: 0 is no count (a gap, a dead
pixel, one marked on this image), the highest code is an overload, and in between a code is a count. So the highest
code of four is the right one, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoproc.kernels.image_pyramid import FITS_16, code_rows, pool_rows
from autoproc.threads import map_in_order

TILE = 512
"""Pixels along a tile's side: of an image with 18 million, a screen shows nine to twenty, of 20 to 60 kB each."""
BAND = 1024
"""Rows that a thread makes into all levels: four or five bands in a large image, each of a few milliseconds."""
HIGHEST = (1 << 31) - (1 << 23)
"""No count is above it: with the lowest of any detector added it is within 32 bits."""
SMALLEST = 256
"""Pixels; the coarsest level has no longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """An image at all scales.

    levels : codes (slow, fast), uint16 or uint32, each half as large as the one before, rounded up
    lowest : the value of code 1; step : between the values of two codes
    """

    levels: tuple[np.ndarray, ...]
    lowest: float = 0.0
    step: float = 1.0

    @property
    def n_bytes(self) -> int:
        """Memory that it takes."""
        return sum(level.nbytes for level in self.levels)

    @property
    def overload(self) -> int:
        """The code of an overload."""
        return int(np.iinfo(self.levels[0].dtype).max)

    def tile(self, level: int, row: int, column: int) -> np.ndarray:
        """Codes of a tile, of the narrowest of uint8, uint16 and uint32 that holds them. Raises IndexError.

        The highest code of that type is an overload, as in the pyramid.
        """
        if not 0 <= level < len(self.levels) or row < 0 or column < 0:
            raise IndexError(f"there is no level {level}")
        codes = self.levels[level][row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        if not codes.size:
            raise IndexError(f"level {level} has no tile {row}, {column}")
        return narrowed(codes, self.overload)


def narrowed(codes: np.ndarray, overload: int) -> np.ndarray:
    """The same codes in the narrowest type whose highest value is left for overloads."""
    highest = int(codes.max())
    if highest == overload:
        highest = int(np.max(codes, where=codes != overload, initial=0))
    dtype: type = next(t for t in (np.uint8, np.uint16, np.uint32) if highest < np.iinfo(t).max)
    narrow: np.ndarray = codes.astype(dtype)
    if dtype is not codes.dtype.type:
        narrow[codes == overload] = np.iinfo(dtype).max
    return np.ascontiguousarray(narrow)


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """(slow, fast) of every level of an image of this shape."""
    shapes = [shape]
    while max(shapes[-1]) > SMALLEST and 1 << len(shapes) <= BAND:
        n_slow, n_fast = shapes[-1]
        shapes.append((-(-n_slow // 2), -(-n_fast // 2)))
    return shapes


def pyramid_of_counts(
    counts: np.ndarray, mask: np.ndarray, lowest: int, highest: float, n_threads: int = 0, in_place: bool = False
) -> Pyramid:
    """The pyramid of an image.

    counts : (slow, fast) int16 or int32; mask : (slow, fast) bool, True where a pixel may be trusted
    lowest : counts below it are none; highest : counts at or above it are overloads
    in_place : nobody needs the counts any more: where codes are as wide, they take their place
    """
    top = int(min(np.ceil(highest), HIGHEST))
    is_odd = counts.dtype == np.int16 and not FITS_16[0] <= lowest <= FITS_16[1]
    counts = np.ascontiguousarray(counts, np.int32 if is_odd else None)
    for dtype in (np.uint16, np.uint32):
        is_place = in_place and counts.itemsize == np.dtype(dtype).itemsize and counts.flags.carray
        levels = _empty_levels(counts.shape, dtype, counts.view(dtype) if is_place else None)

        def fill(first: int, end: int, levels: tuple[np.ndarray, ...] = levels) -> bool:
            return code_rows(counts, mask, lowest, top, levels, first, end)

        if all(_in_bands(fill, len(counts), n_threads)):
            break
    return Pyramid(levels, float(lowest))


def pyramid_of_values(values: np.ndarray, mask: np.ndarray, step: float, n_threads: int = 0) -> Pyramid:
    """The pyramid of a map (slow, fast) of values from 0 on, in multiples of a step; above the codes is an overload."""
    most = float(np.iinfo(np.uint32).max)
    levels = _empty_levels(values.shape, np.uint32)

    def fill(first: int, end: int) -> None:
        scaled = np.clip(np.rint(values[first:end].astype(np.float64) / step), 0, most - 1) + 1
        levels[0][first:end] = np.where(mask[first:end], scaled, 0)
        pool_rows(levels, first, end)

    for _ in _in_bands(fill, len(values), n_threads):
        pass
    return Pyramid(levels, 0.0, step)


def _empty_levels(shape: tuple[int, ...], dtype: type, finest: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    n_slow, n_fast = shape
    first, *coarser = level_shapes((n_slow, n_fast))
    return (np.empty(first, dtype) if finest is None else finest, *(np.empty(one, dtype) for one in coarser))


def _in_bands(fill: Callable[[int, int], Any], n_rows: int, n_threads: int) -> Iterator[Any]:
    """What comes of each band of rows, from its first to before its end."""
    return map_in_order(lambda first: fill(first, min(first + BAND, n_rows)), range(0, n_rows, BAND), n_threads)
