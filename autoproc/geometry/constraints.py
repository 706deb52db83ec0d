"""What a point group lets a unit cell do: the metric it imposes and the strains it allows.

Small changes of a cell are written as a symmetric strain of reciprocal space, A' = (1 + E) A. A strain
that commutes with the point group keeps the lattice's symmetry exactly, whatever its size, so
the free parameters of a cell are the coefficients of a basis of such strains: six for a triclinic
cell, four for a monoclinic one, down to one for a cubic one.

Rotations are (n, 3, 3) matrices W on fractional coordinates, x' = W x (models.space_group.rotations_of).
"""

from __future__ import annotations

import numpy as np

from autoproc.geometry.rotation import nearest_rotation

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def symmetrised_metric(metric: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(..., 3, 3) reciprocal metrics, 1/Angstrom^2, averaged over rotations: those nearest that obey them."""
    return np.mean([w @ metric @ w.T for w in np.asarray(rotations, float)], axis=0)


def lower_triangular_B(metric: np.ndarray) -> np.ndarray:
    """(..., 3, 3) lower triangular B with B^T B = metric and a positive diagonal, 1/Angstrom."""
    flipped = np.linalg.cholesky(metric[..., ::-1, ::-1])
    return np.swapaxes(flipped[..., ::-1, ::-1], -1, -2)


def strain_basis(A: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(k, 3, 3) orthonormal symmetric strains that commute with the point group.

    A : (3, 3) of a cell that obeys the rotations (see constrain_setting).
    """
    Q = A @ np.swapaxes(np.asarray(rotations, float), 1, 2) @ np.linalg.inv(A)
    averaged = []
    for i, j in VOIGT:
        strain = np.zeros((3, 3))
        strain[i, j] = strain[j, i] = 1.0 if i == j else np.sqrt(0.5)
        averaged.append(np.mean(Q @ strain @ Q.transpose(0, 2, 1), axis=0).ravel())
    _, singular, rows = np.linalg.svd(np.array(averaged))
    k = int(np.sum(singular > 1e-6))
    return rows[:k].reshape(k, 3, 3)


def split_setting(A: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """U and B, (..., 3, 3), with B obeying the rotations, that reproduce A as closely as they can.

    U is the rotation nearest to A B^-1 (the polar decomposition), so that a cell pulled onto the
    symmetry does not turn the crystal.
    """
    B = lower_triangular_B(symmetrised_metric(np.swapaxes(A, -1, -2) @ A, rotations))
    return nearest_rotation(A @ np.linalg.inv(B)), B


def constrain_setting(A: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Setting matrices (..., 3, 3) with their cells pulled onto the symmetry."""
    U, B = split_setting(A, rotations)
    return U @ B
