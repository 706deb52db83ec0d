"""Compiled positions of spots against those that are worked out panel by panel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autoproc.geometry.detector import lab_from_mm, lab_of_spots, px_to_mm
from autoproc.kernels.spot_positions import lab_positions, reciprocal_points
from autoproc.models.experiment import Detector, Panel

FAST, SLOW = np.array([0.8, 0.6, 0.0]), np.array([-0.6, 0.8, 0.0])


def panels():
    flat = Panel(FAST, SLOW, np.array([-40.0, -30.0, -120.0]), (0.1, 0.2), (400, 300))
    thick = Panel(SLOW, -FAST, np.array([20.0, 30.0, -90.0]), (0.172, 0.172), (400, 300), thickness=0.45, mu=3.9)
    no_sensor = Panel(FAST, SLOW, np.array([0.0, -30.0, -110.0]), (0.1, 0.1), (400, 300), thickness=0.45)
    return Detector((flat, thick, no_sensor))


def test_rays_enter_the_sensor_where_parallax_has_them():
    rng = np.random.default_rng(0)
    detector, panel = panels(), np.arange(60) % 3
    xy = rng.uniform(0, 300, (60, 2))
    found = lab_of_spots(detector, panel, xy)
    for n, model in enumerate(detector.panels):
        here = panel == n
        assert_allclose(found[here], lab_from_mm(model, px_to_mm(model, xy[here])), rtol=1e-13, atol=1e-11)


def test_wrong_arguments_are_refused():
    one = np.zeros((1, 16))
    with pytest.raises(ValueError, match="panel must lie in"):
        lab_positions(np.zeros((2, 2)), np.array([0, 1]), one)
    with pytest.raises(ValueError, match="1 panels for 2 spots"):
        lab_positions(np.zeros((2, 2)), np.array([0]), one)
    with pytest.raises(ValueError, match="panels is of shape"):
        lab_positions(np.zeros((2, 2)), np.array([0, 0]), np.zeros((1, 15)))
    axis, turn = np.array([1.0, 0, 0]), np.zeros((3, 3, 3))
    with pytest.raises(ValueError, match="phi is of shape"):
        reciprocal_points(np.ones((2, 3)), np.zeros(3), (1.0, axis), turn, (axis, axis), 0.1, 0.1)
    with pytest.raises(ValueError, match="wavelength"):
        reciprocal_points(np.ones((2, 3)), np.zeros(2), (0.0, axis), turn, (axis, axis), 0.1, 0.1)


def test_no_spots_have_no_positions():
    axis = np.array([1.0, 0, 0])
    lab = lab_positions(np.zeros((0, 2)), np.zeros(0, int), np.zeros((1, 16)))
    found = reciprocal_points(lab, np.zeros(0), (1.0, axis), np.zeros((3, 3, 3)), (axis, axis), 0.1, 0.1)
    assert [len(values) for values in found] == [0] * 4
