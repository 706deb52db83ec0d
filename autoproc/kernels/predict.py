"""Crossings of the Ewald sphere during a scan, by plane of h."""

from __future__ import annotations

import numpy as np

from autoproc.kernels._predict import predict_plane as _predict_plane


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
    settings : (n, 3, 3) setting matrices, 1/Angstrom, at array indices 0 .. n-1; one for a static crystal
    axis : (3,) unit rotation axis at the datum; t0 : (3,) the incident vector S^T s0, 1/Angstrom
    scan : (start, width of an image), radians; phi_range : [low, high), radians, may exceed a turn
    Returns hkl (N, 3) int32, phi (N,) radians and frame (N,) as array index.
    """
    points = np.ascontiguousarray(settings, float).reshape(-1, 9)
    axis, t0 = np.ascontiguousarray(axis, float), np.ascontiguousarray(t0, float)
    if axis.shape != (3,) or t0.shape != (3,):
        raise ValueError(f"axis and t0 must be (3,), not {axis.shape} and {t0.shape}")
    if scan[1] == 0 or d_min <= 0:
        raise ValueError(f"the width of an image ({scan[1]}) and d_min ({d_min}) must not be 0")
    size = max(0, k_range[1] - k_range[0] + 1) * max(0, l_range[1] - l_range[0] + 1)
    while True:
        hkl, phi, frame = np.empty((size, 3), np.int32), np.empty(size), np.empty(size)
        n = _predict_plane(
            h, *k_range, *l_range, points, axis, t0, *scan, *phi_range, d_min**-2, hkl, phi, frame
        )  # fmt: skip
        if n <= size:
            return hkl[:n], phi[:n], frame[:n]
        size = n
