"""Which counts are drawn white and which black, from the counts of an image's background."""

from __future__ import annotations

from typing import Any

import numpy as np

from autoproc.viewing.image_tiles import Pyramid

MOST_SAMPLED = 100_000
"""Pixels that tell of the distribution of counts: enough for its last thousandth, in a few milliseconds."""
LIKE_IT = 25_000
"""The same of the coarser levels, which have no histogram."""
SIGMA = 10.0
"""The darkest count is so many standard deviations above the background: weak spots stand out, and what is stronger
is dark. A judgement."""
N_BINS = 64
BACKGROUND_QUANTILE = 0.95
"""Of the pixels; spots and their tails are above."""


def sampled_values(pyramid: Pyramid, level: int) -> np.ndarray:
    """Values, rising, of a sample of a level's pixels, evenly spread, of those with a count and no overload."""
    codes = pyramid.levels[level]
    every = max(1, int(np.sqrt(codes.size / (MOST_SAMPLED if level == 0 else LIKE_IT))))
    some = codes[every // 2 :: every, every // 2 :: every].ravel()
    rising = np.sort(some[(some > 0) & (some < pyramid.overload)], kind="stable")  # by radix, which is fast
    return (rising.astype(np.float64) - 1) * pyramid.step + pyramid.lowest


def limits(values: np.ndarray) -> tuple[float, float]:
    """The counts where drawing begins and ends, for sampled values (N,) that rise; 0 and 1 where there are none.

    The background is what most pixels have; its spread is that of counting, or wider where the readout makes it so.
    """
    if not len(values):
        return 0.0, 1.0
    low, mid_low, mid_high, most = _quantiles(values, np.array([0.001, 0.16, 0.84, BACKGROUND_QUANTILE]))
    level = float(values[: np.searchsorted(values, most, side="right")].mean())
    sigma = max(np.sqrt(max(level, 0.25)), (mid_high - mid_low) / 2)
    return float(min(low, level - 3 * sigma) if low < 0 else max(0.0, level - 3 * sigma)), float(level + SIGMA * sigma)


def _quantiles(rising: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """As numpy's, of values that rise, which it would put in order once more."""
    place = parts * (len(rising) - 1)
    below = place.astype(int)
    above = np.minimum(below + 1, len(rising) - 1)
    found: np.ndarray = rising[below] + (rising[above] - rising[below]) * (place - below)
    return found


def histogram(values: np.ndarray, step: float = 1.0) -> dict[str, list[float]]:
    """How many sampled pixels have which value: N + 1 edges of N bins, even in value, then in its logarithm."""
    if not len(values):
        return {"edges": [0.0, 1.0], "pixels": [0]}
    low, high = float(values.min()), float(values.max()) + step
    spread = np.expm1(np.linspace(0, np.log1p((high - low) / step), N_BINS + 1)) * step
    edges = np.unique(np.round(spread / step)) * step + low
    pixels, _ = np.histogram(values, edges)
    return {"edges": [float(edge) for edge in edges], "pixels": [int(n) for n in pixels]}


def contrast(pyramid: Pyramid) -> dict[str, Any]:
    """What a viewer needs to draw an image well at first: limits for every level, and the histogram of the counts."""
    samples = [sampled_values(pyramid, level) for level in range(len(pyramid.levels))]
    return {"limits": [limits(values) for values in samples], "histogram": histogram(samples[0], pyramid.step)}
