"""The absorption surface: real spherical harmonics of the beams' directions in the crystal's frame.

Blessing (1995), Acta A51, 33; Katayama (1986), Acta A42, 19. The harmonics are orthonormal on the sphere, without
the Condon-Shortley phase: Y_lm is N_lm P_l|m|(z) times sqrt(2) sin(|m| phi) for m < 0, 1 for m = 0 and
sqrt(2) cos(m phi) for m > 0. Their pole is the frame's x axis, as in DIALS, so that coefficients mean the same.
"""

from __future__ import annotations

import numpy as np

from autoproc.geometry.rotation import turn_to_crystal
from autoproc.kernels.harmonics import mean_harmonics
from autoproc.kernels.scaling_model import turned_directions
from autoproc.models.experiment import Experiment

X_TO_POLE = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def n_harmonics(lmax: int) -> int:
    """Number of coefficients of a surface of degree 1 to lmax."""
    return lmax * (lmax + 2)


def surface_basis(experiment: Experiment, s1: np.ndarray, frame: np.ndarray, lmax: int) -> np.ndarray:
    """(N, n_harmonics) mean of the harmonics of the two beams' directions.

    s1 : (N, 3) diffracted wave vectors; frame : (N,) array index of the image.
    The correction is 1 + basis @ coefficients.
    """
    return mean_harmonics(*beam_directions(experiment, s1, frame), lmax)


def beam_directions(experiment: Experiment, s1: np.ndarray, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) unit vectors to the source and along s1, in the crystal's frame turned so that its x is the pole."""
    to_source = experiment.beam.direction / np.linalg.norm(experiment.beam.direction)
    turn = turn_to_crystal(experiment.goniometer) @ X_TO_POLE.T
    return turned_directions(s1, experiment.scan.phi_at(frame), to_source, turn)
