"""How lattices are turned against each other, up to what their symmetry cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from synthetic_spots import setting

from autoproc.indexing.lattices import LatticeNumbers, proper_symmetry, rotation_between


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        ((40, 40, 40, 90, 90, 90), 24), ((40, 40, 55, 90, 90, 90), 8), ((40, 40, 55, 90, 90, 120), 12),
        ((40, 40, 40, 75, 75, 75), 6), ((40, 50, 60, 90, 90, 90), 4), ((40, 50, 60, 90, 105, 90), 2),
        ((40, 50, 60, 80, 75, 70), 1),
    ],
)  # fmt: skip
def test_lattices_have_the_rotations_of_their_system(cell, order):
    real = np.linalg.inv(setting(cell, 2))
    operations = proper_symmetry(real)
    assert len(operations) == order
    metric = real @ real.T
    for operation in operations:
        assert np.linalg.det(operation) == pytest.approx(1)
        assert_allclose(operation @ metric @ operation.T, metric, rtol=1e-9, atol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 999), st.integers(0, 7), st.floats(0.1, 40))
def test_the_smallest_rotation_does_not_depend_on_the_lattices_own(seed, symmetry, angle):
    cell = (40.0, 40.0, 55.0, 90.0, 90.0, 90.0)
    A = setting(cell, seed)
    turn = Rotation.from_rotvec(np.radians(angle) * Rotation.random(random_state=seed).as_matrix()[0])
    own = proper_symmetry(np.linalg.inv(A))[symmetry]
    found = rotation_between(A, turn.as_matrix() @ np.linalg.inv(own @ np.linalg.inv(A)), 3, 5)
    smallest = [
        (turn * Rotation.from_matrix((w @ np.linalg.inv(A)).T @ A.T)).magnitude()
        for w in proper_symmetry(np.linalg.inv(A))
    ]
    assert (found.first, found.second) == (3, 5)
    assert found.angle == pytest.approx(np.degrees(min(smallest)), abs=1e-5)
    assert found.widest_angle == pytest.approx(np.degrees(max(smallest)), abs=1e-5)
    assert_allclose(Rotation.from_rotvec(np.radians(found.angle) * found.axis).as_matrix(), found.matrix, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_both_rotations_bring_one_lattice_onto_the_other(seed):
    A = setting((40.0, 40.0, 55.0, 90.0, 90.0, 90.0), seed)
    turned = Rotation.from_rotvec([0.2, -0.1, 0.3]).as_matrix() @ A
    found = rotation_between(A, turned)
    for axis, angle in ((found.axis, found.angle), (found.widest_axis, found.widest_angle)):
        assert np.linalg.norm(axis) == pytest.approx(1)
        change = np.linalg.inv(turned) @ Rotation.from_rotvec(np.radians(angle) * axis).as_matrix() @ A
        assert_allclose(change, np.rint(change), atol=1e-6)
        assert abs(np.linalg.det(change)) == pytest.approx(1)
    assert found.widest_angle > found.angle + 30


def test_the_share_is_of_the_spots_left_over():
    def numbers(n_left):
        return LatticeNumbers(30, n_left, 0.0, 0.1, 0.1, 0.1, 100.0, 5.0)

    assert numbers(120).share == 0.25
    assert numbers(0).share == 30.0
