"""Derivatives of predicted spot positions with respect to detector, beam and crystal."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _refinement_gradients


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
    arrays = [np.ascontiguousarray(a, dtype=float) for a in spots]
    n = len(arrays[0])
    if any(a.shape != (n, 3) for a in arrays) or panel.shape != (n,):
        raise ValueError(f"spots of shapes {[a.shape for a in arrays]}, panel {panel.shape}, expected ({n}, 3), ({n},)")
    inverse, directions, centre = (np.ascontiguousarray(a, dtype=float) for a in panels)
    index = np.ascontiguousarray(panel, dtype=np.intp)
    if n and not 0 <= index.min() <= index.max() < len(inverse):
        raise ValueError(f"panels {index.min()} to {index.max()}, but there are {len(inverse)}")
    U, voigt = (np.ascontiguousarray(a, dtype=float) for a in crystal)
    shapes = [a.shape for a in (directions, centre, U, *goniometer)]
    if shapes != [(3, 3), (3,), (3, 3), (3,), (3,), (3, 3), (3, 3)] or voigt.shape[0] != 6:
        raise ValueError(f"matrices of shapes {shapes}, strain basis {voigt.shape}")
    ds0 = np.ascontiguousarray(ds0, dtype=float).reshape(-1, 3)
    result = np.zeros((n, 3, 6)), np.empty((n, 3, len(ds0))), np.empty((n, 3, 3 + voigt.shape[1]))
    gonio = [np.ascontiguousarray(a, dtype=float) for a in goniometer]
    _refinement_gradients.gradients(*arrays, index, inverse, directions, centre, ds0, *gonio, U, voigt, *result)
    return result
