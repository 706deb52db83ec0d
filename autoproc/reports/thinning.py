"""Long sweeps in few points, so that a report does not grow with the number of images."""

from __future__ import annotations

import numpy as np

MOST_POINTS = 400


def block_edges(n: int, most: int = MOST_POINTS) -> np.ndarray:
    """Edges of at most `most` blocks of equally many (but for the last) of n rows."""
    per_block = max(1, -(-n // most))
    return np.append(np.arange(0, n, per_block), n)


def block_mean(values: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """(M,) or (M, K) means of (N,) or (N, K) over blocks, leaving NaN out; NaN for a block without values."""
    values = np.asarray(values, float)
    if len(values) <= most:
        return values
    good = np.isfinite(values)
    starts = block_edges(len(values), most)[:-1]
    total = np.add.reduceat(np.where(good, values, 0.0), starts, axis=0)
    count = np.add.reduceat(good.astype(float), starts, axis=0)
    with np.errstate(invalid="ignore"):
        return total / np.where(count > 0, count, np.nan)


def block_rms(values: np.ndarray, weights: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """(M, K) root mean squares of (N, K) that are root mean squares of `weights` (N,) spots themselves."""
    values, weights = np.asarray(values, float), np.asarray(weights, float)
    starts = block_edges(len(values), most)[:-1]
    squares = np.where(weights[:, None] > 0, weights[:, None] * np.nan_to_num(values) ** 2, 0.0)
    total = np.add.reduceat(weights, starts)[:, None]
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.add.reduceat(squares, starts, axis=0) / np.where(total > 0, total, np.nan))


def block_extremes(values: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """(M,) least and greatest of (N,) finite values in each block."""
    starts = block_edges(len(values), most)[:-1]
    return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
