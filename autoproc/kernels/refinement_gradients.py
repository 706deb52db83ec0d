"""Predicted spot positions, and their derivatives with respect to detector, beam and crystal."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _refinement_gradients
from autoproc.kernels.arguments import flags, floats, rows

MOST_STRAINS = 6
SPOTS = ("xyz", "q", "r", "s1", "b", "omega")


def predicted_positions(
    spots: tuple[np.ndarray, np.ndarray, np.ndarray],
    panel: np.ndarray,
    curve: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    crystal: tuple[np.ndarray, np.ndarray],
    inverse_d: np.ndarray,
    s0: np.ndarray,
    goniometer: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where spots are expected, with the crystal as it stands for each.

    spots : hkl (N, 3); entering (N,) bool or uint8, which of the two crossings; near (N,) radians, whose turn is kept
    panel : (N,) index into inverse_d
    curve : of each spot the first coefficient (N,) that counts and the weights (N, a) of it and the next; the
        coefficients: rotation vectors (C, 3), radians, and strains (C, 6) as xx, yy, zz, yz, xz, xy
    crystal : U and B, (3, 3); inverse_d : (P, 3, 3) inverse d matrices; s0 : (3,), 1/Angstrom
    goniometer : axis (3,), setting (3, 3), fixed (3, 3)
    Returns xyz, q, r, s1, each (N, 3), as in refinement.gradients. Raises ValueError on wrong shapes.
    """
    hkl = floats(spots[0], (None, 3), "hkl")
    n = len(hkl)
    entering, near = flags(spots[1], (n,), "entering"), floats(spots[2], (n,), "near")
    inverse = floats(inverse_d, (None, 3, 3), "inverse d matrices")
    index = _one_each(rows(panel, len(inverse), "panel"), n, "panels")
    omega = floats(curve[2], (None, 3), "omega")
    strain = floats(curve[3], (len(omega), 6), "strain")
    active = floats(curve[1], (n, None), "weights")
    first = _one_each(rows(curve[0], len(omega) - active.shape[1] + 1, "first coefficient"), n, "first coefficients")
    U, B, s0 = floats(crystal[0], (3, 3), "U"), floats(crystal[1], (3, 3), "B"), floats(s0, (3,), "s0")
    gonio = [floats(v, shape, "goniometer") for v, shape in zip(goniometer, ((3,), (3, 3), (3, 3)), strict=True)]
    xyz, q, r, s1 = (np.empty((n, 3)) for _ in range(4))
    _refinement_gradients.positions(
        hkl, entering, near, index, first, active, omega, strain, U, B, inverse, s0, *gonio, xyz, q, r, s1
    )
    return xyz, q, r, s1


def position_gradients(
    spots: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    panel: np.ndarray,
    panels: tuple[np.ndarray, np.ndarray, np.ndarray],
    ds0: np.ndarray,
    goniometer: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    crystal: tuple[np.ndarray, np.ndarray],
    free: tuple[np.ndarray, np.ndarray],
    curve: np.ndarray,
    root: np.ndarray,
) -> np.ndarray:
    """Gradients of (x, y, phi), mm, mm, radians, for small motions of the models, in one matrix.

    spots : xyz, q, r, s1, b, omega, each (N, 3); b = B hkl; the others as in refinement.gradients
    panel : (N,) index into panels
    panels : inverse d matrices (P, 3, 3), the directions (3, 3) and the centre (3,) of the detector's motions
    ds0 : (m, 3) changes of s0 for each parameter of the beam
    goniometer : lab axis (3,), axis (3,), setting (3, 3), fixed (3, 3)
    crystal : U (3, 3) and the strain basis as (6, k) components xx, yy, zz, yz, xz, xy, k at most 6
    free : which of the detector's six parameters (d,) and the crystal's 3 + k (c,) are wanted
    curve : (N, a) weights of the coefficients of the crystal that count for each spot
    root : (N, 3) by which the gradients of x, y and phi are multiplied
    Returns (N, 3, d + m + a c). Raises ValueError on wrong shapes.
    """
    n = len(spots[0])
    arrays = [floats(values, (n, 3), name) for values, name in zip(spots, SPOTS, strict=True)]
    inverse = floats(panels[0], (None, 3, 3), "inverse d matrices")
    directions, centre = floats(panels[1], (3, 3), "directions"), floats(panels[2], (3,), "centre")
    index = _one_each(rows(panel, len(inverse), "panel"), n, "panels")
    U, voigt = floats(crystal[0], (3, 3), "U"), floats(crystal[1], (6, None), "strain basis")
    n_strains = voigt.shape[1]
    if n_strains > MOST_STRAINS:
        raise ValueError(f"{n_strains} strains, of which a cell has six at most")
    ds0 = floats(np.reshape(ds0, (-1, 3)), (None, 3), "ds0")
    gonio = [
        floats(values, shape, "goniometer")
        for values, shape in zip(goniometer, ((3,), (3,), (3, 3), (3, 3)), strict=True)
    ]
    of_detector, of_crystal = rows(free[0], 6, "detector"), rows(free[1], 3 + n_strains, "crystal")
    curve, root = floats(curve, (n, None), "weights"), floats(root, (n, 3), "root")
    result = np.empty((n, 3, len(of_detector) + len(ds0) + curve.shape[1] * len(of_crystal)))
    _refinement_gradients.gradients(
        *arrays, index, inverse, directions, centre, ds0, *gonio, U, voigt, of_detector, of_crystal, curve, root, result
    )
    return result


def _one_each(index: np.ndarray, n: int, what: str) -> np.ndarray:
    if len(index) != n:
        raise ValueError(f"{len(index)} {what} for {n} spots")
    return index
