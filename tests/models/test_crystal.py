"""A crystal: its cell, its setting, and how both change."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models_for_tests import crystal, rotation

from autoproc.models.crystal import Crystal, b_matrix, cell_from_real_matrix, cells_from_real_matrices

CELL = (31.0, 42.0, 53.0, 83.0, 97.0, 104.0)
CELLS = st.tuples(*[st.floats(5, 300)] * 3, *[st.floats(65, 115)] * 3).filter(
    lambda cell: gemmi.UnitCell(*cell).volume > 0.3 * np.prod(cell[:3])
)


@given(CELLS, st.integers(0, 1000))
def test_cell_and_orientation_come_back_from_the_setting(cell: tuple, seed: int) -> None:
    U = rotation(seed)
    made = Crystal(U @ b_matrix(cell))
    assert made.cell == pytest.approx(cell)
    np.testing.assert_allclose(made.U, U, atol=1e-9)
    np.testing.assert_allclose(made.U @ made.B, made.A, atol=1e-12)


@given(CELLS)
def test_spacings_are_those_of_gemmi(cell: tuple) -> None:
    hkl = np.array([[1, 0, 0], [0, 2, 0], [1, -1, 3], [-4, 5, 6]])
    d = 1 / np.linalg.norm(hkl @ b_matrix(cell).T, axis=1)
    np.testing.assert_allclose(d, [gemmi.UnitCell(*cell).calculate_d(h) for h in hkl.tolist()])


def test_b_is_lower_triangular_with_a_along_x() -> None:
    B = b_matrix(CELL)
    np.testing.assert_allclose(B, np.tril(B), atol=1e-15)
    np.testing.assert_allclose(np.linalg.inv(B)[0], [31.0, 0, 0], atol=1e-12)


def test_real_axes_are_reciprocal_to_the_setting() -> None:
    made = crystal(CELL, "P 1")
    np.testing.assert_allclose(made.real_space @ made.A, np.eye(3), atol=1e-12)
    assert cell_from_real_matrix(made.real_space) == pytest.approx(CELL)
    assert made.unit_cell.parameters == pytest.approx(CELL)


def test_cells_of_many_bases_are_those_of_each() -> None:
    real = np.array([[rotation(seed) @ np.linalg.inv(b_matrix(CELL)) * (1 + seed / 9) for seed in range(3)]] * 2)
    real = np.swapaxes(real, -1, -2)
    found = cells_from_real_matrices(real)
    assert found.shape == (2, 3, 6)
    for cell, one in zip(found.reshape(-1, 6), real.reshape(-1, 3, 3), strict=True):
        assert tuple(cell) == cell_from_real_matrix(one)


def test_a_static_crystal_is_the_same_at_every_frame() -> None:
    made = crystal(CELL, "P 1")
    np.testing.assert_array_equal(made.A_at(np.array([-3.0, 0.0, 99.5])), [made.A] * 3)
    assert made.n_scan_points == 0


def moving(n: int = 5) -> Crystal:
    made = crystal(CELL, "P 1")
    points = np.array([made.A * (1 + 0.01 * k**2) for k in range(n)])
    return Crystal(made.A, made.space_group, points)


def test_between_scan_points_the_setting_is_interpolated() -> None:
    made = moving()
    np.testing.assert_allclose(made.A_at(np.arange(5.0)), made.A_at_scan_points)
    half = made.A_at(np.array([1.25]))[0]
    np.testing.assert_allclose(half, 0.75 * made.A_at_scan_points[1] + 0.25 * made.A_at_scan_points[2])


def test_beyond_the_scan_the_setting_is_that_of_its_ends() -> None:
    made = moving()
    np.testing.assert_allclose(made.A_at(np.array([-7.0, 4.0, 40.0])), made.A_at_scan_points[[0, 4, 4]])
    assert made.n_scan_points == 5


def test_a_static_copy_has_forgotten_the_scan() -> None:
    assert moving().static().n_scan_points == 0
    np.testing.assert_array_equal(moving().static().A, moving().A)


@pytest.mark.parametrize("operator", ["k,l,h", "-h,-k,h+l", "h+k,h-k,-l", "1/2*h-1/2*k,1/2*h+1/2*k,l"])
def test_points_of_reciprocal_space_stay_where_they_are_when_reindexed(operator: str) -> None:
    made, op = moving(), gemmi.Op(operator)
    other = made.reindexed(op, gemmi.SpaceGroup("P 1 2 1"))
    hkl = np.array([[2, 4, 6], [0, 2, -2], [-4, 2, 8]])
    there = np.array([op.apply_to_hkl(h) for h in hkl.tolist()])
    np.testing.assert_allclose(there @ other.A.T, hkl @ made.A.T, atol=1e-12)
    np.testing.assert_allclose(
        there @ other.A_at_scan_points.transpose(0, 2, 1), hkl @ made.A_at_scan_points.transpose(0, 2, 1), atol=1e-12
    )
    assert other.space_group.hm == "P 1 2 1"


def test_reindexing_there_and_back_changes_nothing() -> None:
    made, op = crystal(CELL, "P 1"), gemmi.Op("k,l,h")
    back = made.reindexed(op).reindexed(op.inverse())
    np.testing.assert_allclose(back.A, made.A, atol=1e-14)
