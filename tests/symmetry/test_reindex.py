from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models_for_tests import crystal, rotation

from autoproc.geometry.constraints import constrain_setting
from autoproc.models.space_group import rotations_of
from autoproc.symmetry.reindex import (
    BadChangeOfBasis,
    constrain_crystal,
    format_basis,
    parse_basis,
    reindex_crystal,
    reindex_hkl,
    tidiest,
)

elements = st.integers(-2, 2)
matrices = st.lists(elements, min_size=9, max_size=9).map(lambda v: np.array(v).reshape(3, 3))


@given(matrices.filter(lambda m: np.linalg.det(m) > 0.5))
def test_an_operator_is_read_as_it_is_written(matrix):
    np.testing.assert_array_equal(parse_basis(format_basis(matrix)), matrix)


@pytest.mark.parametrize(
    ("text", "matrix"),
    [
        ("b+c,a+c,a+b", [[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
        ("k+l,h+l,h+k", [[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
        ("2*a+b+c, -a+b, c", [[2, 1, 1], [-1, 1, 0], [0, 0, 1]]),
        ("1/2*a-1/2*b,1/2*a+1/2*b,c", [[0.5, -0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]),
    ],
)
def test_operators_of_the_tutorials(text, matrix):
    np.testing.assert_allclose(parse_basis(text), matrix)


@pytest.mark.parametrize("text", ["a,b", "a,a,c", "-a,b,c", "a,b,c+1/2", "p,q,r"])
def test_what_is_not_a_change_of_basis_is_refused(text):
    with pytest.raises(BadChangeOfBasis, match="not a change of basis"):
        parse_basis(text)


def test_fractional_indices_are_refused():
    with pytest.raises(BadChangeOfBasis, match="1 reflection would have fractional"):
        reindex_hkl(np.array([[1, 1, 0], [1, 0, 0]]), parse_basis("1/2*a+1/2*b,-1/2*a+1/2*b,c"))


@given(matrices.filter(lambda m: np.linalg.det(m) > 0.5))
def test_reciprocal_lattice_points_stay_where_they_are(matrix):
    old = crystal((30, 40, 50, 80, 95, 102), "P 1")
    new = reindex_crystal(old, matrix, gemmi.SpaceGroup("P 1"))
    hkl = np.array([[1, 2, 3], [-4, 0, 2]])
    np.testing.assert_allclose(reindex_hkl(hkl, matrix) @ new.A.T, hkl @ old.A.T, atol=1e-9)


def test_a_constrained_cell_obeys_its_group_and_the_orientation_hardly_moves():
    group = gemmi.SpaceGroup("P 43 21 2")
    distorted = crystal((77.6, 77.9, 37.4, 89.9, 90.2, 90.1), "P 43 21 2", seed=3)
    constrained = constrain_crystal(distorted, group)
    a, b, c, *angles = constrained.cell
    assert a == pytest.approx(b, abs=1e-9)
    assert a == pytest.approx(77.75, abs=0.01)
    assert c == pytest.approx(37.4, abs=0.01)
    np.testing.assert_allclose(angles, 90, atol=1e-9)
    turn = constrained.U @ distorted.U.T
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 0.25


def test_constraining_what_obeys_already_changes_nothing():
    made = crystal((60, 60, 50, 90, 90, 120), "R 3 2:H")
    np.testing.assert_allclose(constrain_setting(made.A, rotations_of(made.space_group)), made.A, atol=1e-12)


def test_scan_points_are_constrained_too():
    made = crystal((40, 40, 40.2, 90.1, 90, 90), "P 2 3")
    points = np.array([made.A, rotation(5) @ made.A])
    result = constrain_setting(points, rotations_of(made.space_group))
    metrics = np.swapaxes(result, 1, 2) @ result
    for metric in metrics:
        np.testing.assert_allclose(metric, np.eye(3) * metric[0, 0], atol=1e-12)


def test_the_plainest_equivalent_of_a_rotation_of_the_group_is_no_change():
    rotations = rotations_of(gemmi.SpaceGroup("P 4 3 2"))
    for w in rotations:
        np.testing.assert_allclose(tidiest(w.T.astype(float), rotations), np.eye(3))
