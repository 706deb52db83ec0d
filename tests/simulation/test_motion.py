"""How a simulated crystal sits and moves."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from autoproc.models.crystal import b_matrix
from autoproc.simulation.motion import Motion, crystal_motion, unit_axis
from autoproc.simulation.params import SimulateParams

CELL = (38.0, 47.0, 55.0, 82.0, 95.0, 101.0)


def motion(**changes) -> Motion:
    params = SimulateParams(cell=CELL, n_images=80, **changes)
    return crystal_motion(params, gemmi.UnitCell(*CELL), np.random.default_rng(5))


def test_at_rest_the_crystal_has_its_cell_and_a_proper_orientation():
    still = motion(wobble=0.0, cell_drift=0.0)
    A = still.A_at(0, np.array([0.0, 40.0, 80.0]))
    metric = np.linalg.inv(b_matrix(CELL).T @ b_matrix(CELL))
    assert_allclose(np.linalg.inv(np.swapaxes(A, 1, 2) @ A), [metric] * 3, rtol=1e-9)
    assert_allclose(A, [A[0]] * 3, atol=1e-15)
    assert np.linalg.det(still.U[0]) == pytest.approx(1)


def test_a_wobble_is_the_sum_of_its_waves_and_within_its_bound():
    moving = motion(wobble=0.3)
    frame = np.linspace(0, 80, 33)
    expected = np.zeros((33, 3))
    for k, (cosine, sine) in enumerate(moving.waves, 1):
        turn = 2 * np.pi * k * frame[:, None] / 80
        expected += np.cos(turn) * cosine + np.sin(turn) * sine
    assert_allclose(moving.wobble_at(frame), expected, atol=1e-15)
    assert moving.largest_wobble == pytest.approx(np.radians(0.3))
    assert np.linalg.norm(expected, axis=1).max() <= np.radians(0.3)
    assert_allclose(moving.wobble_at(np.zeros(1)), moving.wobble_at(np.full(1, 80.0)), atol=1e-12)
    turned = Rotation.from_rotvec(expected).as_matrix() @ moving.U[0]
    assert_allclose(moving.U_at(0, frame), turned, atol=1e-12)


def test_a_cell_grows_by_its_drift_from_first_to_last_image():
    growing = motion(cell_drift=0.004)
    lengths = [np.linalg.norm(np.linalg.inv(a), axis=1) for a in growing.A_at(0, np.array([0.0, 40.0, 80.0]))]
    assert_allclose(lengths, np.outer([1, 1.002, 1.004], CELL[:3]))


def test_a_second_lattice_is_turned_by_its_rotation_vector_in_degrees():
    split = motion(second_lattice=(0.0, 3.0, 4.0))
    between = Rotation.from_matrix(split.U[1] @ split.U[0].T).as_rotvec(degrees=True)
    assert_allclose(between, [0, 3, 4], atol=1e-12)
    assert len(motion().U) == 1


def test_an_orientation_that_is_given_is_brought_to_the_nearest_rotation():
    turn = Rotation.from_rotvec([0.3, -0.2, 0.9]).as_matrix()
    off = turn + 1e-3 * np.random.default_rng(0).normal(size=(3, 3))
    found = motion(orientation=tuple(off.ravel())).U[0]
    assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    assert_allclose(found, turn, atol=3e-3)
    mirrored = motion(orientation=tuple((-turn).ravel())).U[0]
    assert np.linalg.det(mirrored) == pytest.approx(1)


def test_orientations_follow_their_own_seed():
    same = [motion(seed=1, orientation_seed=9).U[0], motion(seed=2, orientation_seed=9).U[0], motion(seed=9).U[0]]
    assert_allclose(same[1:], [same[0]] * 2)
    assert not np.allclose(motion(seed=1).U[0], same[0])


def test_the_axis_is_a_unit_vector():
    assert_allclose(unit_axis(SimulateParams(rotation_axis=(3.0, 0.0, -4.0))), [0.6, 0, -0.8])
