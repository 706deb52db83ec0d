"""The absorption surface: real spherical harmonics of the beams' directions in the crystal's frame.

Blessing (1995), Acta A51, 33; Katayama (1986), Acta A42, 19. The pole of the harmonics is the frame's x axis,
as in DIALS, so that coefficients mean the same.
"""

from __future__ import annotations

import numpy as np

from autoproc.geometry.rotation import crystal_from_lab
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
    phi = experiment.scan.phi_at(frame)
    length = np.linalg.norm(s1, axis=1, keepdims=True)
    outgoing = s1 / np.where(length > 0, length, 1.0)
    to_source = np.broadcast_to(experiment.beam.direction / np.linalg.norm(experiment.beam.direction), s1.shape)
    total = np.zeros((len(s1), n_harmonics(lmax)))
    for vectors in (to_source, outgoing):
        total += real_harmonics(crystal_from_lab(experiment.goniometer, phi, vectors) @ X_TO_POLE.T, lmax)
    return total / 2


def real_harmonics(directions: np.ndarray, lmax: int) -> np.ndarray:
    """(N, lmax (lmax + 2)) real spherical harmonics of unit vectors (N, 3), l = 1 .. lmax, m = -l .. l.

    Orthonormal on the sphere, without the Condon-Shortley phase: Y_lm is N_lm P_l|m|(z) times sqrt(2) sin(|m| phi)
    for m < 0, 1 for m = 0 and sqrt(2) cos(m phi) for m > 0.
    """
    x, y, z = directions.T
    basis = np.empty((len(directions), n_harmonics(lmax)))
    power = np.ones(len(directions), complex)  # (x + i y)^m = sin(theta)^m exp(i m phi)
    diagonal = np.full(len(directions), np.sqrt(1 / (4 * np.pi)))  # normalised P_mm / sin(theta)^m
    for m in range(lmax + 1):
        if m:
            power = power * (x + 1j * y)
            diagonal = diagonal * np.sqrt((2 * m + 1) / (2 * m))
        below, here = np.zeros_like(z), diagonal
        for degree in range(m, lmax + 1):
            if degree > m:
                below, here = here, _next_degree(degree, m, z, here, below)
            if degree:
                _store(basis, degree, m, here, power)
    return basis


def _next_degree(degree: int, m: int, z: np.ndarray, one_below: np.ndarray, two_below: np.ndarray) -> np.ndarray:
    """Recurrence of the normalised associated Legendre functions in their degree."""
    a = np.sqrt((4 * degree**2 - 1) / (degree**2 - m**2))
    b = np.sqrt(((degree - 1) ** 2 - m**2) / (4 * (degree - 1) ** 2 - 1))
    return a * (z * one_below - b * two_below)


def _store(basis: np.ndarray, degree: int, m: int, legendre: np.ndarray, power: np.ndarray) -> None:
    zero = degree * (degree + 1) - 1
    if m == 0:
        basis[:, zero] = legendre
        return
    basis[:, zero + m] = np.sqrt(2) * legendre * power.real
    basis[:, zero - m] = np.sqrt(2) * legendre * power.imag
