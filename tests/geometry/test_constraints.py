from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.geometry.constraints import lower_triangular_B, split_setting, strain_basis, symmetrised_metric
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.crystal import b_matrix, cell_from_real_matrix
from autoproc.models.space_group import rotations_of

CELLS = {
    "P 1": ((30, 40, 50, 80, 95, 105), 6),
    "C 1 2 1": ((90, 40, 50, 90, 110, 90), 4),
    "I 1 2 1": ((90, 40, 50, 90, 95, 90), 4),
    "P 21 21 21": ((30, 40, 50, 90, 90, 90), 3),
    "P 41 21 2": ((77, 77, 38, 90, 90, 90), 2),
    "P 61": ((70, 70, 90, 90, 90, 120), 2),
    "R 3 :H": ((70, 70, 90, 90, 90, 120), 2),
    "R 3 :R": ((50, 50, 50, 80, 80, 80), 2),
    "I 21 3": ((78, 78, 78, 90, 90, 90), 1),
}


@pytest.mark.parametrize("name", CELLS)
def test_number_of_free_cell_parameters(name):
    cell, expected = CELLS[name]
    basis = strain_basis(b_matrix(cell), rotations_of(gemmi.SpaceGroup(name)))
    assert len(basis) == expected
    np.testing.assert_allclose(np.einsum("aij,bij->ab", basis, basis), np.eye(expected), atol=1e-12)


@given(name=st.sampled_from(sorted(CELLS)), seed=st.integers(0, 10**6))
def test_allowed_strains_of_any_size_keep_the_symmetry(name, seed):
    cell, _ = CELLS[name]
    rotations = rotations_of(gemmi.SpaceGroup(name))
    basis = strain_basis(b_matrix(cell), rotations)
    strain = np.tensordot(np.random.default_rng(seed).normal(0, 0.05, len(basis)), basis, axes=1)
    B = (np.eye(3) + strain) @ b_matrix(cell)
    np.testing.assert_allclose(symmetrised_metric(B.T @ B, rotations), B.T @ B, rtol=0, atol=1e-15)


@given(name=st.sampled_from(sorted(CELLS)), seed=st.integers(0, 10**6))
def test_setting_splits_into_rotation_and_symmetric_cell(name, seed):
    cell, _ = CELLS[name]
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    U = rotation_matrix(axis / np.linalg.norm(axis), rng.uniform(0, 3))
    found_U, found_B = split_setting(U @ b_matrix(cell), rotations_of(gemmi.SpaceGroup(name)))
    np.testing.assert_allclose(found_U @ found_B, U @ b_matrix(cell), atol=1e-12)
    np.testing.assert_allclose(found_U, U, atol=1e-9)


def test_distorted_cell_is_pulled_onto_the_symmetry():
    A = U_of(0.7) @ b_matrix((77.5, 77.7, 38.0, 90.1, 89.9, 90.05))
    U, B = split_setting(A, rotations_of(gemmi.SpaceGroup("P 43 21 2")))
    a, b, c, *angles = cell_from_real_matrix(np.linalg.inv(B))
    assert a == pytest.approx(b, abs=1e-9)
    assert (a, c) == (pytest.approx(77.6, abs=0.01), pytest.approx(38.0, abs=0.01))
    np.testing.assert_allclose(angles, 90, atol=1e-9)
    assert np.degrees(np.arccos((np.trace(U @ U_of(0.7).T) - 1) / 2)) < 0.2


def test_B_is_lower_triangular():
    B = lower_triangular_B(b_matrix((30, 40, 50, 80, 95, 105)).T @ b_matrix((30, 40, 50, 80, 95, 105)))
    np.testing.assert_allclose(B, b_matrix((30, 40, 50, 80, 95, 105)), atol=1e-12)


def U_of(angle):
    return rotation_matrix(np.array([0.6, 0.0, 0.8]), angle)
