from __future__ import annotations

import numpy as np
from models_for_tests import experiment, panel
from numpy.testing import assert_allclose

from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.placement import moved_rigidly, panel_middle, with_beam_centre, with_distance
from autoproc.models.experiment import Beam, Detector


def test_middle_of_a_panel():
    one = panel()
    assert_allclose(panel_middle(one), one.origin + [0.172 * 487 / 2, -0.172 * 619 / 2, 0])


def test_rigid_motion_keeps_shapes_and_distances():
    first, second = panel(), panel(150.0)
    motion = np.array([0.3, -0.2, 0.5, 0.01, 0.02, -0.03])
    moved = moved_rigidly(Detector((first, second)), motion, panel_middle(first))
    assert_allclose(panel_middle(moved[0]) - panel_middle(first), motion[:3], atol=1e-12)
    assert_allclose(np.linalg.norm(moved[1].origin - moved[0].origin), 50.0)
    for one in moved.panels:
        axes = np.array([one.fast_axis, one.slow_axis, one.normal])
        assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_distance_and_beam_centre_are_what_was_asked_for():
    beam = Beam(1.0)
    placed = with_beam_centre(with_distance(experiment().detector[0], beam, 222.0), beam, (100.5, 200.25))
    assert_allclose(placed.distance, 222.0)
    assert_allclose(beam_centre_px(Detector((placed,)), beam), (100.5, 200.25))
