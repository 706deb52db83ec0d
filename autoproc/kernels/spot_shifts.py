"""Shifts of spots that bring them to lattice points, and how they change with the models."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _spot_shifts
from autoproc.kernels.arguments import floats, number, positive, rows

N_MOVES = 7
N_TURNS = 3


def spot_shifts(
    spots: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    panel_axes: np.ndarray,
    beam: tuple[float, np.ndarray],
    rotation: tuple[np.ndarray, np.ndarray],
    lattice: tuple[np.ndarray, np.ndarray],
    detector: tuple[np.ndarray, np.ndarray] | None,
    turn_crystal: bool,
    min_zeta: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shifts in x, y and phi, mm, mm, radians, calculated minus observed, and their derivatives.

    spots : lab (N, 3) mm; panel (N,) index into panel_axes; phi (N,) radians; hkl (N, 3)
    panel_axes : (P, 2, 3) fast and slow; beam : wavelength, Angstrom, and s0 (3,), 1/Angstrom
    rotation : T (3, 3, 3), with which T[0] + cos(phi) T[1] + sin(phi) T[2] brings the crystal to the laboratory, and
        the axis (3,) in the laboratory
    lattice : A (3, 3), and the modes E (M, 3, 3) in which it may change, A -> (1 + sum p E) A
    detector : the point (3,) mm about which it turns, and the change of s0 (3,) with a turn of the beam; None where
        neither moves
    min_zeta : spots that cut the Ewald sphere no more steeply are left out
    Returns of the K others the rows (K,), zeta (K,), shifts (K, 3) and derivatives (K, 3, M + 7 + 3), without the 7 of
    the detector or the 3 turns of the crystal that are not asked for. Raises ValueError on wrong shapes.
    """
    lab = floats(spots[0], (None, 3), "positions")
    n, axes = len(lab), floats(panel_axes, (None, 2, 3), "panel axes")
    index = rows(spots[1], len(axes), "panel")
    if len(index) != n:
        raise ValueError(f"{len(index)} panels for {n} spots")
    phi, hkl = floats(spots[2], (n,), "phi"), floats(spots[3], (n, 3), "hkl")
    wavelength, s0 = positive(beam[0], "wavelength"), floats(beam[1], (3,), "s0")
    to_lab, lab_axis = floats(rotation[0], (3, 3, 3), "rotation"), floats(rotation[1], (3,), "axis")
    A, modes = floats(lattice[0], (3, 3), "A"), floats(lattice[1], (None, 3, 3), "modes")
    middle, by_beam = (floats(v, (3,), "detector") for v in (detector or np.zeros((2, 3))))
    moves = detector is not None
    kept, zeta, residual = np.empty(n, np.intp), np.empty(n), np.empty((n, 3))
    out = np.empty((n, 3, len(modes) + N_MOVES * moves + N_TURNS * bool(turn_crystal)))
    k = _spot_shifts.shifts(
        lab, index, axes, phi, hkl, wavelength, s0, to_lab, lab_axis, A, modes, middle, by_beam, moves,
        bool(turn_crystal), number(min_zeta, "least zeta", 0.0), kept, zeta, residual, out,
    )  # fmt: skip
    return kept[:k], zeta[:k], residual[:k], out[:k]
