"""Standard uncertainties of a cell in another basis, and of one whose symmetry is known."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.constraints import lower_triangular_B, symmetrised_metric
from autoproc.models.crystal import cell_from_real_matrix

STEP = 1e-6
"""Of central differences, as a part of B: numbers of double precision leave 1e-10 of the derivatives."""
NOTHING = 1e-7
"""Angstrom and degrees below which an uncertainty is that of rounding: the symmetry holds the parameter."""


def errors_in_basis(
    B: np.ndarray, covariance: np.ndarray, basis: np.ndarray, rotations: np.ndarray
) -> tuple[tuple[float, ...], np.ndarray]:
    """Six standard uncertainties, Angstrom and degrees, and the (9, 9) covariance of B, in a new basis.

    B : (3, 3) lower triangular, 1/Angstrom; covariance : (9, 9) of its elements, row by row
    basis : (3, 3), the new B is B basis but for a rotation; rotations : (n, 3, 3) that the new cell obeys, over which
        its metric is averaged
    """

    def derived(old: np.ndarray) -> np.ndarray:
        setting = old @ basis
        new = lower_triangular_B(symmetrised_metric(setting.T @ setting, rotations))
        return np.concatenate([cell_from_real_matrix(np.linalg.inv(new)), new.ravel()])

    shifts = STEP * np.linalg.norm(B) * np.eye(9).reshape(9, 3, 3)
    slopes = np.array([(derived(B + s) - derived(B - s)) / (2 * s.max()) for s in shifts]).T
    full = slopes @ covariance @ slopes.T
    esd = np.sqrt(np.maximum(np.diag(full)[:6], 0.0))
    return tuple(float(e) if e > NOTHING else 0.0 for e in esd), full[6:, 6:]
