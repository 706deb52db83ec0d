"""Strong pixels grouped into spots, from a stream of frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels.connected_spots import connected_spots
from autoproc.kernels.dispersion import StrongPixels


@dataclass(frozen=True, slots=True, eq=False)
class SpotPixels:
    """The strong pixels of S spots, one spot after the other: those of spot k are start[k]:start[k + 1].

    start : (S + 1,) intp
    x, y, z : (P,) int32, fast, slow and frame, in order of frame, then slow, then fast within a spot;
        the centre of a pixel is at x + 0.5, y + 0.5, z + 0.5
    counts : (P,) int32, as read; background : (P,) float32, mean of the background around the pixel
    """

    start: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    counts: np.ndarray
    background: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def size(self) -> np.ndarray:
        """(S,) number of pixels of each spot."""
        return np.diff(self.start)

    @property
    def spot(self) -> np.ndarray:
        """(P,) the spot to which each pixel belongs."""
        return np.repeat(np.arange(len(self)), self.size)

    def __getitem__(self, rows: np.ndarray) -> SpotPixels:
        """The spots of a mask (S,) or of indices, in the order of the indices."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        begin, size = self.start[rows], self.size[rows]
        return SpotPixels(_starts(size), *(_gathered(column, begin, size) for column in self._columns()))

    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.x, self.y, self.z, self.counts, self.background

    @staticmethod
    def in_order(parts: list[SpotPixels]) -> SpotPixels:
        """The spots of several in the order of their first pixels: frame, then slow, then fast.

        The list is emptied, so that a long sweep's pixels are in memory hardly more than once.
        """
        empty = np.empty(0, np.int32)
        parts.append(SpotPixels(np.zeros(1, np.intp), empty, empty, empty, empty, np.empty(0, np.float32)))
        size = np.concatenate([part.size for part in parts])
        first = [np.concatenate([getattr(part, axis)[part.start[:-1]] for part in parts]) for axis in "xyz"]
        order = np.lexsort(first)
        begin = (np.cumsum(size) - size)[order]
        columns = list(zip(*(part._columns() for part in parts), strict=True))[::-1]
        parts.clear()
        size = size[order]
        return SpotPixels(
            _starts(size), *(_gathered(np.concatenate(columns.pop()), begin, size) for _ in range(len(columns)))
        )


TOGETHER = 1 << 16
"""Spots whose pixels are gathered at a time: the positions take more room than the pixels."""


def _starts(size: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(size)]).astype(np.intp)


def _gathered(column: np.ndarray, begin: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The values of spots of these sizes, each from its begin on, one after the other."""
    start = _starts(size)
    result = np.empty(start[-1], column.dtype)
    for first in range(0, len(size), TOGETHER):
        some = slice(first, first + TOGETHER)
        here = slice(start[first], start[min(first + TOGETHER, len(size))])
        where = np.arange(here.start, here.stop) + np.repeat(begin[some] - start[:-1][some], size[some])
        result[here] = column[where]
    return result


class SpotStream:
    """Spots from the strong pixels of consecutive frames, as they end. width : pixels of an image along fast."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._waiting: list[np.ndarray] = []
        self._last = -1

    def copy(self) -> SpotStream:
        """The same, to be gone on with apart from this."""
        other = SpotStream(self._width)
        other._waiting, other._last = list(self._waiting), self._last
        return other

    def add(self, frame: int, strong: StrongPixels) -> None:
        """The next frame. One that is left out ends the spots before it."""
        self._waiting.append(_rows(frame, strong))
        self._last = frame

    def ended(self) -> SpotPixels:
        """The spots that go on on no later frame; they are given once."""
        if not self._waiting:
            return SpotPixels.in_order([])
        spots, self._waiting = _split(self._waiting, self._width, self._last)
        return spots

    def as_it_is(self) -> SpotPixels:
        """All that were not given yet, as if no frame followed."""
        if not self._waiting:
            return SpotPixels.in_order([])
        return _split(self._waiting, self._width, self._last + 1)[0]


ROW = np.dtype([("frame", np.int32), ("index", np.int32), ("counts", np.int32), ("background", np.float32)])


def _rows(frame: int, strong: StrongPixels) -> np.ndarray:
    rows = np.empty(len(strong.index), ROW)
    rows["frame"] = frame
    rows["index"], rows["counts"], rows["background"] = strong.index, strong.counts, strong.background
    return rows


def _split(waiting: list[np.ndarray], width: int, last: int) -> tuple[SpotPixels, list[np.ndarray]]:
    """Spots with no pixel on frame `last`, and the pixels of those that have one, in their first order."""
    rows = np.concatenate(waiting)
    order, start = connected_spots(rows["frame"], rows["index"], width)
    ends = rows["frame"][order[start[1:] - 1]] if len(order) else np.empty(0, np.int32)
    goes_on = np.repeat(ends >= last, np.diff(start))
    pending = rows[np.sort(order[goes_on])]
    done = rows[order[~goes_on]]
    sizes = np.diff(start)[ends < last]
    return _spots_of(done, np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp), width), [pending]


def _spots_of(rows: np.ndarray, start: np.ndarray, width: int) -> SpotPixels:
    """Spots of rows that lie one spot after the other."""
    y, x = np.divmod(rows["index"], np.int32(width))
    return SpotPixels(start, x, y, rows["frame"].copy(), rows["counts"].copy(), rows["background"].copy())
