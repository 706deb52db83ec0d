from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import panel

from autoproc.geometry.detector import pixel_resolution
from autoproc.geometry.edge import reach_of
from autoproc.models.experiment import Beam, Detector

BEAM = Beam(0.9763)


def test_corner_and_inscribed_are_those_of_all_pixels():
    flat = panel()
    reach = reach_of(Detector((flat,)), BEAM)
    d = pixel_resolution(flat, BEAM)
    assert reach.corner == pytest.approx(d.min(), rel=2e-3)
    border = np.concatenate([d[0], d[-1], d[:, 0], d[:, -1]])
    assert reach.inscribed == pytest.approx(border.max(), rel=2e-3)


def test_half_of_a_ring_lies_between_the_whole_and_the_corner():
    reach = reach_of(Detector((panel(),)), BEAM)
    assert reach.corner < reach.half < reach.inscribed


def test_a_square_sees_half_of_the_ring_where_an_eighth_of_a_turn_ends():
    square = replace(panel(parallax=False), image_size=(600, 600), origin=np.array([-51.6, 51.6, -100.0]), mask=())
    reach = reach_of(Detector((square,)), BEAM)
    two_theta = np.arctan(51.6 / np.cos(np.pi / 8) / 100.0)
    assert reach.half == pytest.approx(BEAM.wavelength / (2 * np.sin(two_theta / 2)), rel=5e-3)


def test_a_beam_beside_the_panel_knows_the_corner_only():
    aside = replace(panel(), origin=np.array([20.0, 50.0, -100.0]))
    reach = reach_of(Detector((aside,)), BEAM)
    assert reach.inscribed is None
    assert reach.half is None
    assert reach.corner < 3


def test_several_panels_reach_as_far_as_the_farthest():
    far = replace(panel(), origin=np.array([100.0, 50.0, -100.0]))
    assert reach_of(Detector((panel(), far)), BEAM).corner == reach_of(Detector((far,)), BEAM).corner
