from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from autoproc.kernels.refinement_gradients import position_gradients


def arguments(n=4, panel=0):
    spots = tuple(np.random.default_rng(0).normal(size=(n, 3)) for _ in range(6))
    eye, zero = np.eye(3), np.zeros(3)
    goniometer = (eye[0], eye[0], eye, eye)
    return spots, np.full(n, panel), (eye[None], eye, zero), eye[:1], goniometer, (eye, np.ones((6, 2)))


def test_shapes_of_the_results():
    detector, beam, crystal = position_gradients(*arguments())
    assert (detector.shape, beam.shape, crystal.shape) == ((4, 3, 6), (4, 3, 1), (4, 3, 5))
    np.testing.assert_array_equal(detector[:, 2], 0)


def test_no_spots():
    assert position_gradients(*arguments(0))[2].shape == (0, 3, 5)


def test_wrong_panel_is_refused():
    with pytest.raises(ValueError, match="panel must lie in"):
        position_gradients(*arguments(panel=1))


def test_wrong_shapes_are_refused():
    spots, panel, panels, ds0, goniometer, crystal = arguments()
    with pytest.raises(ValueError, match="expected"):
        position_gradients((spots[0][:2], *spots[1:]), panel, panels, ds0, goniometer, crystal)
    with pytest.raises(ValueError, match="strain basis"):
        position_gradients(spots, panel, panels, ds0, goniometer, (np.eye(3), np.ones((5, 2))))


def by_crystal(omega):
    """Derivatives of the same four spots, with every rotation vector `omega` times its own direction."""
    _, panel, panels, ds0, goniometer, _ = arguments()
    *spots, directions = np.random.default_rng(3).normal(size=(6, 4, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    turn = Rotation.from_euler("xyz", [0.3, -0.5, 0.7]).as_matrix()
    return position_gradients((*spots, omega * directions), panel, panels, ds0, goniometer, (turn, np.eye(6)[:, :5]))[2]


def test_derivatives_by_a_small_rotation_go_over_into_those_by_none_and_by_a_large_one():
    """The series for small angles and the formula for others meet at a thousandth, and begin at nothing."""
    below, above = by_crystal(0.9999e-3), by_crystal(1.0001e-3)
    scale = np.abs(below).max()
    np.testing.assert_allclose(below / scale, above / scale, atol=1e-6)
    slope = [(by_crystal(h) - by_crystal(0.0)) / h for h in (1e-5, 1e-4, 0.9e-3, 1.1e-3)]
    for one in slope[1:]:
        np.testing.assert_allclose(one / scale, slope[0] / scale, atol=2e-3)
    assert np.abs(slope[0]).max() > 0.05 * scale
