"""Crossings of the Ewald sphere during a scan, by plane of h."""

from __future__ import annotations

import numpy as np

from autoproc.kernels._predict import predict_plane as _predict_plane
from autoproc.kernels.arguments import floats, number, positive, whole

LARGEST_INDEX = 1 << 20
"""Miller indices that may be asked for; those of the largest cells are some 10^3."""
MOST_POINTS = 1 << 24
"""Lattice points of a plane; the largest cells have 10^6."""
MOST_RADIANS = 1e5
"""Angles of a scan: beyond thousands of turns it is none, and every reflection crosses twice a turn."""
MOST_CROSSINGS = 1 << 26


def predict_plane(
    h: int,
    k_range: tuple[int, int],
    l_range: tuple[int, int],
    settings: np.ndarray,
    axis: np.ndarray,
    t0: np.ndarray,
    scan: tuple[float, float],
    phi_range: tuple[float, float],
    d_min: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reflections (h, k, l) of one plane that cross the sphere with phi in phi_range.

    k_range, l_range : inclusive
    settings : (n, 3, 3) setting matrices, 1/Angstrom, at array indices 0 .. n-1; or one, (3, 3), for a static crystal
    axis : (3,) unit rotation axis at the datum; t0 : (3,) the incident vector S^T s0, 1/Angstrom
    scan : (start, width of an image), radians; phi_range : [low, high), radians, may exceed a turn
    Returns hkl (N, 3) int32, phi (N,) radians and frame (N,) as array index.
    """
    settings = np.asarray(settings)
    points = floats(settings[None] if settings.ndim == 2 else settings, (None, 3, 3), "settings").reshape(-1, 9)
    if not len(points):
        raise ValueError("there is no setting matrix")
    axis, t0 = floats(axis, (3,), "axis"), floats(t0, (3,), "t0")
    d_min = positive(d_min, "d_min")
    scan = number(scan[0], "the scan's start", -MOST_RADIANS, MOST_RADIANS), _width(scan[1])
    phi_range = (
        number(phi_range[0], "phi", -MOST_RADIANS, MOST_RADIANS),
        number(phi_range[1], "phi", -MOST_RADIANS, MOST_RADIANS),
    )
    h, k_range, l_range = _index(h), (_index(k_range[0]), _index(k_range[1])), (_index(l_range[0]), _index(l_range[1]))
    size = max(0, k_range[1] - k_range[0] + 1) * max(0, l_range[1] - l_range[0] + 1)
    if size > MOST_POINTS or size * max(phi_range[1] - phi_range[0], 0) > MOST_CROSSINGS:
        raise ValueError(f"{size} lattice points of a plane over {phi_range[1] - phi_range[0]} radians are too many")
    while True:
        hkl, phi, frame = np.empty((size, 3), np.int32), np.empty(size), np.empty(size)
        n = _predict_plane(
            h, *k_range, *l_range, points, axis, t0, *scan, *phi_range, d_min**-2, hkl, phi, frame
        )  # fmt: skip
        if n <= size:
            return hkl[:n], phi[:n], frame[:n]
        size = n


def _index(value: int) -> int:
    return whole(value, -LARGEST_INDEX, LARGEST_INDEX, "a Miller index")


def _width(value: float) -> float:
    """Of an image, radians, of either sign."""
    positive(abs(value), "the width of an image")
    return float(value)
