"""Standard uncertainties of a cell from the covariance of its setting matrix."""

from __future__ import annotations

import numpy as np

from autoproc.models.crystal import cell_from_real_matrix

STEP = 1e-6


def cell_esd(A: np.ndarray, covariance: np.ndarray) -> tuple[float, ...]:
    """Six standard uncertainties, Angstrom and degrees.

    A : (3, 3) setting matrix; covariance : (9, 9) of its elements, row by row
    """
    size = STEP * np.linalg.norm(A)
    cell = np.array(cell_from_real_matrix(np.linalg.inv(A)))
    jacobian = np.empty((6, 9))
    for element in range(9):
        changed = A.copy()
        changed.flat[element] += size
        jacobian[:, element] = (np.array(cell_from_real_matrix(np.linalg.inv(changed))) - cell) / size
    variance = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian)
    return tuple(float(v) for v in np.sqrt(np.maximum(variance, 0)))
