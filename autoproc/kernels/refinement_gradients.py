"""Derivatives of predicted spot positions with respect to detector, beam and crystal."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _refinement_gradients
from autoproc.kernels.arguments import floats, rows

SPOTS = ("xyz", "q", "r", "s1", "b", "omega")


def position_gradients(
    spots: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    panel: np.ndarray,
    panels: tuple[np.ndarray, np.ndarray, np.ndarray],
    ds0: np.ndarray,
    goniometer: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    crystal: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of (x, y, phi), mm, mm, radians, for small motions of the models.

    spots : xyz, q, r, s1, b, omega, each (N, 3); b = B hkl; the others as in refinement.gradients
    panel : (N,) index into panels
    panels : inverse d matrices (P, 3, 3), the directions (3, 3) and the centre (3,) of the detector's motions
    ds0 : (m, 3) changes of s0 for each parameter of the beam
    goniometer : lab axis (3,), axis (3,), setting (3, 3), fixed (3, 3)
    crystal : U (3, 3) and the strain basis as (6, k) components xx, yy, zz, yz, xz, xy
    Returns (N, 3, 6), (N, 3, m) and (N, 3, 3 + k). Raises ValueError on wrong shapes.
    """
    n = len(spots[0])
    arrays = [floats(values, (n, 3), name) for values, name in zip(spots, SPOTS, strict=True)]
    inverse = floats(panels[0], (None, 3, 3), "inverse d matrices")
    directions, centre = floats(panels[1], (3, 3), "directions"), floats(panels[2], (3,), "centre")
    index = rows(panel, len(inverse), "panel")
    if len(index) != n:
        raise ValueError(f"{len(index)} panels for {n} spots")
    U, voigt = floats(crystal[0], (3, 3), "U"), floats(crystal[1], (6, None), "strain basis")
    ds0 = floats(np.reshape(ds0, (-1, 3)), (None, 3), "ds0")
    gonio = [
        floats(values, shape, "goniometer")
        for values, shape in zip(goniometer, ((3,), (3,), (3, 3), (3, 3)), strict=True)
    ]
    result = np.zeros((n, 3, 6)), np.empty((n, 3, len(ds0))), np.empty((n, 3, 3 + voigt.shape[1]))
    _refinement_gradients.gradients(*arrays, index, inverse, directions, centre, ds0, *gonio, U, voigt, *result)
    return result
