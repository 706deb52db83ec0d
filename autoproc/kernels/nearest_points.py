"""The nearest of many points on a line, in a plane or in space."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _nearest_points
from autoproc.kernels.arguments import floats, whole

MOST_NEIGHBOURS = 64
MOST_CELLS = 1 << 24
OUTSIDE = (0.005, 0.995)
"""Parts of the points between which the grid lies, so that a few far away do not make its cells too large."""
LARGEST = 1e150
"""Coordinates beyond which squares are no numbers."""


class PointGrid:
    """Points (N, d), d = 1, 2 or 3, sorted into cells of which each holds about `per_cell`.

    Raises ValueError for coordinates that are no finite numbers, or beyond 1e150.
    """

    def __init__(self, points: np.ndarray, per_cell: int = 4) -> None:
        padded = _in_space(points)
        n, per_cell = len(padded), whole(per_cell, 1, 1 << 20, "points per cell")
        limits: np.ndarray = np.quantile(padded, OUTSIDE, axis=0) if n else np.zeros((2, 3))
        self._low: np.ndarray = np.ascontiguousarray(limits[0])
        extent = limits[1] - limits[0]
        is_wide = extent > 0
        n_cells = max(1.0, n / per_cell)
        self._per_unit, self._shape = np.zeros(3), np.ones(3, np.intp)
        if is_wide.any():
            size = np.exp((np.log(extent[is_wide]).sum() - np.log(n_cells)) / np.count_nonzero(is_wide))
            parts = np.clip(np.round(extent[is_wide] / size), 1, 2 * n_cells)
            while parts.prod() > min(MOST_CELLS, 8 * n_cells):
                parts = np.maximum(parts // 2, 1)
            self._shape[is_wide] = parts.astype(np.intp)
            self._per_unit[is_wide] = parts / extent[is_wide]
        end = np.zeros(int(self._shape.prod()) + 1, np.intp)
        place, self._points = np.empty(n, np.intp), np.empty((n, 3))
        _nearest_points.sort_into_cells(padded, self._low, self._per_unit, self._shape, end, place, self._points)
        self._number = np.empty(n, np.intp)
        self._number[place] = np.arange(n)
        self._begin = np.append(end[1:], n)

    def __len__(self) -> int:
        return len(self._number)

    @property
    def by_cell(self) -> np.ndarray:
        """(N,) numbers of the points cell by cell: those in a row are close together."""
        return self._number

    def nearest(self, queries: np.ndarray, k: int) -> np.ndarray:
        """(M, k) numbers of the points nearest to each of the queries (M, d), the nearest first, of equals the first.

        k : 1 to 64, and no more than there are points. Raises ValueError on other arguments.
        """
        queries, k = _in_space(queries), whole(k, 1, min(MOST_NEIGHBOURS, len(self)), "number of neighbours")
        out = np.empty((len(queries), k), np.intp)
        _nearest_points.nearest(
            queries, self._points, self._number, self._begin, self._low, self._per_unit, self._shape, out
        )
        return out


def _in_space(points: np.ndarray) -> np.ndarray:
    """(N, 3) points of fewer dimensions, the others 0."""
    points = floats(points, (None, None), "points")
    if points.shape[1] not in (1, 2, 3):
        raise ValueError(f"points have {points.shape[1]} coordinates, expected 1 to 3")
    if not np.all(np.abs(points) < LARGEST):
        raise ValueError("points must be finite")
    return points if points.shape[1] == 3 else np.ascontiguousarray(np.pad(points, ((0, 0), (0, 3 - points.shape[1]))))
