from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import experiment
from numpy.testing import assert_array_equal

from autoproc.geometry.corrections import polarisation_factor
from autoproc.geometry.detector import beam_centre_px, s1_from_mm
from autoproc.integration.scattering import BAND, N_SECTORS, scattering


def test_a_pixel_is_where_its_wave_vector_says():
    one = experiment()
    found = scattering(one)
    panel, beam = one.detector[0], one.beam
    rng = np.random.default_rng(1)
    for _ in range(50):
        fast, slow = (int(rng.integers(n)) for n in panel.image_size)
        s1 = s1_from_mm(panel, beam, (np.array([fast, slow]) + 0.5) * np.asarray(panel.pixel_size))
        s1, s0 = s1 / np.linalg.norm(s1), beam.s0 / np.linalg.norm(beam.s0)
        two_theta = np.arctan2(np.linalg.norm(np.cross(s0, s1)), s0 @ s1)
        radius = two_theta / np.arctan(min(panel.pixel_size) / panel.distance)
        assert found.ring[slow, fast] == pytest.approx(np.floor(radius), abs=1e-6)
        assert found.polarisation[slow, fast] == pytest.approx(polarisation_factor(beam, s1), rel=1e-6)


def test_rings_are_a_pixel_wide_near_the_beam():
    one = experiment()
    found = scattering(one)
    fast, slow = beam_centre_px(one.detector, one.beam)
    y, x = np.mgrid[: found.ring.shape[0], : found.ring.shape[1]]
    radius = np.hypot(x + 0.5 - fast, y + 0.5 - slow)
    near = (radius < 30) & (np.abs(radius - np.rint(radius)) > 0.1)
    assert_array_equal(found.ring[near], radius[near].astype(int))


def test_sectors_go_once_around_the_beam():
    one = experiment()
    found = scattering(one)
    fast, slow = beam_centre_px(one.detector, one.beam)
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False) + 1e-3
    around = found.sector[(slow + 60 * np.sin(angle)).astype(int), (fast + 60 * np.cos(angle)).astype(int)]
    steps = np.mod(np.diff(around.astype(int)), N_SECTORS)
    assert set(np.unique(around)) == set(range(N_SECTORS))
    assert set(np.unique(steps)) in ({0, 1}, {0, N_SECTORS - 1})


def test_the_sensor_s_depth_makes_no_difference():
    one = experiment()
    deep = replace(one, detector=replace(one.detector, panels=(replace(one.detector[0], thickness=1.0, mu=4.0),)))
    assert_array_equal(scattering(deep).ring, scattering(one).ring)


@pytest.mark.parametrize("n_threads", [2, 4])
def test_any_number_of_threads_fills_the_same(n_threads):
    one = experiment()
    assert one.detector[0].image_size[1] > 2 * BAND
    alone, together = scattering(one, 1), scattering(one, n_threads)
    for name in ("ring", "sector", "polarisation"):
        assert_array_equal(getattr(together, name), getattr(alone, name))
