"""Counts along a line across an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from autoproc.viewing.image_tiles import Pyramid

MOST_POINTS = 2000


def line_profile(pyramid: Pyramid, start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    """Values of the pixels under a line from start to end, px: one a pixel, None where there is no count.

    Of a line of more than MOST_POINTS pixels, so many, evenly spaced.
    """
    (x0, y0), (x1, y1) = start, end
    n_slow, n_fast = pyramid.levels[0].shape
    length = float(np.hypot(x1 - x0, y1 - y0))
    part = np.linspace(0, 1, int(min(max(np.ceil(length) + 1, 2), MOST_POINTS)))
    x, y = x0 + part * (x1 - x0), y0 + part * (y1 - y0)
    is_inside = (x >= 0) & (y >= 0) & (x < n_fast) & (y < n_slow)
    codes = np.zeros(len(part), np.int64)
    codes[is_inside] = pyramid.levels[0][y[is_inside].astype(int), x[is_inside].astype(int)]
    is_count = (codes > 0) & (codes < pyramid.overload)
    values = (codes - 1) * pyramid.step + pyramid.lowest
    return {
        "length": length,
        "values": [float(value) if counts else None for value, counts in zip(values, is_count, strict=True)],
    }
