"""Settings from coordinates: those copies of the data sets are taken that lie together."""

from __future__ import annotations

import numpy as np

from autoproc.combining.coordinates import SettingCoordinates

MAX_ROUNDS = 20


def align(coordinates: SettingCoordinates) -> np.ndarray:
    """(D,) the setting of each data set whose copy lies nearest to the others' mean.

    The mean starts at each of the longest coordinate vectors in turn, and the alignment that ends with the longest
    mean is taken: a data set that is of another structure lies across from all others wherever it is turned.
    """
    y, moved = coordinates.y, coordinates.moved
    length = np.linalg.norm(y, axis=1)
    starts = np.argsort(-length, kind="stable")[:8]
    found = [_around(y, moved, y[start]) for start in starts]
    best = max(range(len(found)), key=lambda n: (round(found[n][1], 6), -n))
    return found[best][0]


def _around(y: np.ndarray, moved: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, float]:
    """Settings by a mean that starts here and follows them, and how long the mean is in the end."""
    setting = np.full(len(y), -1)
    turned = y[:, moved]
    for _ in range(MAX_ROUNDS):
        nearest = np.argmax(np.round(turned @ mean, 9), axis=1)
        if np.array_equal(nearest, setting):
            break
        setting = nearest
        mean = turned[np.arange(len(y)), setting].mean(axis=0)
    return setting, float(np.linalg.norm(mean))
