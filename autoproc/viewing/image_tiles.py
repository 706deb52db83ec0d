"""One image as a pyramid of tiles: its counts, and of every four pixels the highest, again and again.

A pixel that is seen from afar shows the highest count that it stands for, so that a spot of one pixel is never lost;
and what has no count never hides one that is there. Both are in the order of the codes: 0 is no count (a gap, a dead
pixel, one marked on this image), the highest code is an overload, and in between a code is a count. So the highest
code of four is the right one, whatever they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.threads import map_in_order

TILE = 512
"""Pixels along a tile's side: of an image with 18 million, a screen shows nine to twenty, of 20 to 60 kB each."""
BAND = 256
"""Rows that are made into all levels at once, while they are in the processor's cache."""
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


def pyramid_of_counts(counts: np.ndarray, mask: np.ndarray, lowest: int, highest: float, n_threads: int = 0) -> Pyramid:
    """The pyramid of an image.

    counts : (slow, fast) int16 or int32; mask : (slow, fast) bool, True where a pixel may be trusted
    lowest : counts below it are none; highest : counts at or above it are overloads
    """
    top = int(min(np.ceil(highest), HIGHEST))
    largest = int(counts.max(initial=lowest))
    has_overloads = largest >= top
    if has_overloads:
        largest = int(np.max(counts, where=counts < top, initial=lowest))
    dtype = _holds(largest - lowest + 1)
    is_narrow = not has_overloads and largest - lowest + 1 <= np.iinfo(counts.dtype).max

    def codes(rows: slice) -> np.ndarray:
        if is_narrow:
            return _codes_as_they_are(counts[rows], mask[rows], lowest, dtype)
        return _codes(counts[rows], mask[rows], lowest, top, dtype)

    return Pyramid(_levels(counts.shape, dtype, codes, n_threads), float(lowest))


def pyramid_of_values(values: np.ndarray, mask: np.ndarray, step: float, n_threads: int = 0) -> Pyramid:
    """The pyramid of a map (slow, fast) of values from 0 on, rounded to multiples of a step."""
    most = float(np.iinfo(np.uint32).max)

    def codes(rows: slice) -> np.ndarray:
        scaled = np.clip(np.rint(values[rows] / step), 0, most - 1) + 1
        return np.where(mask[rows], scaled, 0).astype(np.uint32)

    return Pyramid(_levels(values.shape, np.uint32, codes, n_threads), 0.0, step)


def _holds(highest_code: int) -> type:
    return np.uint16 if highest_code < np.iinfo(np.uint16).max else np.uint32


def _codes(counts: np.ndarray, mask: np.ndarray, lowest: int, top: int, dtype: type) -> np.ndarray:
    wide = counts.astype(np.int32)
    is_over = wide >= top
    np.clip(wide, lowest - 1, top, out=wide)
    wide -= lowest - 1
    codes: np.ndarray = wide.astype(dtype)
    if is_over.any():
        codes[is_over] = np.iinfo(dtype).max
    codes *= mask
    return codes


def _codes_as_they_are(counts: np.ndarray, mask: np.ndarray, lowest: int, dtype: type) -> np.ndarray:
    """The same where nothing is overloaded and the type of the counts holds all codes, in a third of the time."""
    codes = np.maximum(counts, counts.dtype.type(lowest - 1))
    codes -= counts.dtype.type(lowest - 1)
    codes *= mask
    return codes.astype(dtype, copy=False)


def _levels(shape: Sequence[int], dtype: type, codes, n_threads: int) -> tuple[np.ndarray, ...]:  # type: ignore[no-untyped-def]
    """All levels, a band of rows at a time; codes : the codes of some rows."""
    n_slow, n_fast = shape
    levels: tuple[np.ndarray, ...] = tuple(np.empty(one, dtype) for one in level_shapes((n_slow, n_fast)))

    def fill(first: int) -> None:
        band = codes(slice(first, first + BAND))
        levels[0][first : first + BAND] = band
        for number, level in enumerate(levels[1:], 1):
            band = highest_of_four(band)
            start = first >> number
            level[start : start + len(band)] = band

    for _ in map_in_order(fill, range(0, n_slow, BAND), n_threads):
        pass
    return levels


def highest_of_four(codes: np.ndarray) -> np.ndarray:
    """(ceil(slow / 2), ceil(fast / 2)): of every 2 x 2 pixels the highest; at an odd edge, of those that are there."""
    n_slow, n_fast = codes.shape
    even_slow, even_fast = n_slow - n_slow % 2, n_fast - n_fast % 2
    pairs = np.maximum(codes[0:even_slow:2], codes[1:even_slow:2])
    if n_slow % 2:
        pairs = np.concatenate([pairs, codes[-1:]])
    fours = np.maximum(pairs[:, 0:even_fast:2], pairs[:, 1:even_fast:2])
    if n_fast % 2:
        fours = np.concatenate([fours, pairs[:, -1:]], axis=1)
    return fours
