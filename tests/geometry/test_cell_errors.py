from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.geometry.cell_errors import errors_in_basis
from autoproc.geometry.constraints import lower_triangular_B, symmetrised_metric
from autoproc.models.crystal import b_matrix, cell_from_real_matrix
from autoproc.models.space_group import rotations_of

SIGMA = 2e-6
RANDOM = np.random.default_rng(5)
LOWER = np.tri(3).ravel().astype(bool)
NONE = np.eye(3)[None]


def covariance(seed=0):
    """Of the six elements of a lower triangular B, correlated."""
    root = SIGMA * np.random.default_rng(seed).normal(size=(9, 9)) * LOWER[:, None]
    return root @ root.T


@pytest.mark.parametrize(
    ("cell", "group", "basis"),
    [
        ((37.0, 43.0, 49.0, 90, 90, 90), "P 1", np.eye(3)),
        ((37.0, 43.0, 49.0, 90, 90, 90), "P 21 21 21", np.roll(np.eye(3), 1, axis=0)),
        ((78.0, 78.0, 38.0, 90, 90, 90), "P 43 21 2", np.eye(3)),
        ((60.0, 60.0, 90.0, 90, 90, 120), "P 3", np.eye(3)),
        ((31.0, 40.0, 50.0, 95, 100, 110), "P 1", np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1.0]])),
    ],
)
def test_errors_are_the_scatter_of_cells(cell, group, basis):
    B, rotations, known = b_matrix(cell), rotations_of(gemmi.SpaceGroup(group)), covariance()
    esd, _ = errors_in_basis(B, known, basis, rotations)
    cells = []
    for shift in RANDOM.multivariate_normal(np.zeros(9), known, 1500):
        setting = (B + shift.reshape(3, 3)) @ basis
        new = lower_triangular_B(symmetrised_metric(setting.T @ setting, rotations))
        cells.append(cell_from_real_matrix(np.linalg.inv(new)))
    np.testing.assert_allclose(esd, np.std(cells, axis=0), rtol=0.1, atol=1e-6)


def test_what_symmetry_holds_has_no_error():
    esd, _ = errors_in_basis(
        b_matrix((78.0, 78.0, 38.0, 90, 90, 90)), covariance(), np.eye(3), rotations_of(gemmi.SpaceGroup("P 4"))
    )
    assert esd[3:] == (0.0, 0.0, 0.0)
    assert esd[0] == pytest.approx(esd[1])
    assert min(esd[:3]) > 0


def test_the_same_basis_keeps_them():
    B, known = b_matrix((31.0, 40.0, 50.0, 95, 100, 110)), covariance(3)
    _, again = errors_in_basis(B, known, np.eye(3), NONE)
    np.testing.assert_allclose(again, known, atol=1e-4 * known.max())


def test_there_and_back():
    B, known = b_matrix((31.0, 40.0, 50.0, 95, 100, 110)), covariance(4)
    basis = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1.0]])
    new = lower_triangular_B((B @ basis).T @ (B @ basis))
    _, moved = errors_in_basis(B, known, basis, NONE)
    _, back = errors_in_basis(new, moved, np.linalg.inv(basis), NONE)
    np.testing.assert_allclose(back, known, atol=1e-4 * known.max())
