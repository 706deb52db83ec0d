"""What a space group lets a unit cell do: the metric it imposes and the strains it allows.

Small changes of a cell are written as a symmetric strain of reciprocal space, B' = (1 + E) B. A strain
that commutes with the point group keeps the lattice's symmetry exactly, whatever its size, so
the free parameters of a cell are the coefficients of a basis of such strains: six for a triclinic
cell, four for a monoclinic one, down to one for a cubic one.
"""

from __future__ import annotations

import gemmi
import numpy as np

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def point_group_rotations(space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(n, 3, 3) rotations W of the point group, acting on a column hkl as W hkl."""
    rotations = {tuple(map(tuple, op.rot)) for op in space_group.operations().sym_ops}
    return np.array([np.array(r, float).T / gemmi.Op.DEN for r in sorted(rotations)])


def symmetrised_metric(space_group: gemmi.SpaceGroup, B: np.ndarray) -> np.ndarray:
    """(3, 3) reciprocal metric nearest to B^T B that the point group leaves unchanged, 1/Angstrom^2."""
    W = point_group_rotations(space_group)
    return np.mean(W.transpose(0, 2, 1) @ (B.T @ B) @ W, axis=0)


def lower_triangular_B(metric: np.ndarray) -> np.ndarray:
    """(3, 3) lower triangular B with B^T B = metric and a positive diagonal, 1/Angstrom."""
    flipped = np.linalg.cholesky(metric[::-1, ::-1])
    return flipped[::-1, ::-1].T


def strain_basis(space_group: gemmi.SpaceGroup, B: np.ndarray) -> np.ndarray:
    """(k, 3, 3) orthonormal symmetric strains that commute with the point group of a cell.

    B : (3, 3) of a cell that obeys the space group (see symmetrised_metric).
    """
    W = point_group_rotations(space_group)
    Q = B @ W @ np.linalg.inv(B)
    averaged = []
    for i, j in VOIGT:
        strain = np.zeros((3, 3))
        strain[i, j] = strain[j, i] = 1.0 if i == j else np.sqrt(0.5)
        averaged.append(np.mean(Q @ strain @ Q.transpose(0, 2, 1), axis=0).ravel())
    _, singular, rows = np.linalg.svd(np.array(averaged))
    k = int(np.sum(singular > 1e-6))
    return rows[:k].reshape(k, 3, 3)


def split_setting(space_group: gemmi.SpaceGroup, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """U and B, with B obeying the space group, that reproduce A as closely as they can.

    U is the rotation nearest to A B^-1 (the polar decomposition), so that a cell pulled onto the
    symmetry does not turn the crystal.
    """
    B = lower_triangular_B(symmetrised_metric(space_group, A))
    left, _, right = np.linalg.svd(A @ np.linalg.inv(B))
    return left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right, B
