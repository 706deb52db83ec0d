"""Positions of many spots in the laboratory and in reciprocal space."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _spot_positions
from autoproc.kernels.arguments import floats, number, positive, rows

OF_PANEL = 16


def lab_positions(xy_px: np.ndarray, panel: np.ndarray, panels: np.ndarray) -> np.ndarray:
    """(N, 3) mm, where the rays of spots entered the sensor, as geometry.detector has it.

    xy_px : (N, 2); panel : (N,) index into panels
    panels : (P, 16) origin, fast axis, slow axis and normal, three each; size of a pixel along fast and slow, mm;
        thickness of the sensor, mm, and its attenuation, 1/mm; no parallax where either of these is 0
    Raises ValueError on wrong shapes.
    """
    xy_px, panels = floats(xy_px, (None, 2), "positions"), floats(panels, (None, OF_PANEL), "panels")
    index = rows(panel, len(panels), "panel")
    if len(index) != len(xy_px):
        raise ValueError(f"{len(index)} panels for {len(xy_px)} spots")
    lab = np.empty((len(xy_px), 3))
    _spot_positions.lab_positions(xy_px, index, panels, lab)
    return lab


def reciprocal_points(
    lab: np.ndarray,
    phi: np.ndarray,
    beam: tuple[float, np.ndarray],
    to_crystal: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray],
    width: float,
    min_zeta: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """s1 (N, 3), rlp (N, 3), 1/Angstrom, d (N,), Angstrom, and smear (N, 3), as indexing.reciprocal_spots has them.

    lab : (N, 3) mm, not the origin; phi : (N,) radians; beam : wavelength, Angstrom, and s0 (3,), 1/Angstrom
    to_crystal : (3, 3, 3) of geometry.rotation.turn_to_crystal, with whatever turn the crystal has besides
    axes : of rotation, (3,), in the laboratory and in the crystal's frame
    width : of an image, radians; min_zeta : least steepness that counts
    Raises ValueError on wrong shapes.
    """
    lab = floats(lab, (None, 3), "positions")
    phi, s0 = floats(phi, (len(lab),), "phi"), floats(beam[1], (3,), "s0")
    turn = floats(to_crystal, (3, 3, 3), "turn to the crystal")
    in_lab, in_crystal = (floats(axis, (3,), "axis") for axis in axes)
    s1, rlp, smear, d = np.empty_like(lab), np.empty_like(lab), np.empty_like(lab), np.empty(len(lab))
    _spot_positions.reciprocal_points(
        lab, phi, positive(beam[0], "wavelength"), s0, turn, in_lab, in_crystal, number(width, "width"),
        positive(min_zeta, "least zeta"), s1, rlp, d, smear,
    )  # fmt: skip
    return s1, rlp, d, smear
