"""Concentration steps towards the least determinant of the covariance of half of some points."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _concentrate
from autoproc.kernels.arguments import floats, whole


def concentrate(columns: np.ndarray, distance: np.ndarray, h: int, steps: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean (p,) and covariance (p, p) of the h nearest points, and the logarithm of its determinant.

    columns : (p, N) points; distance : (N,) squared, by which the first h are chosen, of equals those before others
    At most `steps` times (Rousseeuw & Van Driessen 1999): moments of the h nearest, and distances by these, until the
    determinant stays; minus infinity for the logarithm where it vanishes.
    Raises ValueError on wrong shapes, for values that are no finite numbers, and unless 2 <= h <= N.
    """
    z = floats(columns, (None, None), "columns")
    p, n = z.shape
    copied = floats(distance, (n,), "distance").copy()
    h, steps = whole(h, 2, n, "h"), whole(steps, 1, 1 << 20, "steps")
    if not (np.isfinite(z).all() and np.isfinite(copied).all()):
        raise ValueError("columns and distance must be finite")
    centre, covariance = np.empty(p), np.empty((p, p))
    found = _concentrate.concentrate(
        z, h, steps, copied, np.empty(n), np.empty(n, np.uint8), np.empty((p, p)), np.empty((p, n)), centre, covariance
    )
    return centre, covariance, float(found)
