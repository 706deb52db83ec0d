"""Diffuse scattering, ice and the beam stop's shadow, against what they are said to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import panel
from numpy.testing import assert_allclose

from autoproc.geometry.corrections import polarisation_factor, sensor_efficiency
from autoproc.geometry.detector import lab_from_mm
from autoproc.models.experiment import Beam
from autoproc.simulation.background import (
    ICE_RINGS,
    diffuse_background,
    ice_rays,
    pixel_directions,
    shadow,
)
from autoproc.simulation.params import SimulateParams

BEAM = np.array([0.0, 0.0, -1.0])
PANEL = panel()
PARAMS = SimulateParams(wavelength=0.98, background=3.0, solvent_ring=0.0)


def spacing(wavelength: float = 0.98) -> np.ndarray:
    """(slow, fast) 1/d of every pixel by Bragg's law."""
    n_fast, n_slow = PANEL.image_size
    x, y = np.meshgrid(np.arange(n_fast) + 0.5, np.arange(n_slow) + 0.5)
    two_theta = np.arctan(np.hypot(0.172 * x - 43.0, 50.0 - 0.172 * y) / 100.0)
    return 2 * np.sin(two_theta / 2) / wavelength


def seen() -> np.ndarray:
    """(slow, fast) part of the photons that arrive and are absorbed, by the code of the stages."""
    s1 = pixel_directions(PANEL)
    beam = Beam(0.98, polarization_fraction=PARAMS.polarization_fraction)
    return sensor_efficiency(PANEL, s1.reshape(-1, 3)).reshape(s1.shape[:2]) * polarisation_factor(beam, s1)


def test_directions_are_those_of_the_pixels_centres():
    s1 = pixel_directions(PANEL)
    assert s1.shape == (619, 487, 3)
    lab = lab_from_mm(PANEL, (np.array([7, 30]) + 0.5) * 0.172)
    assert_allclose(s1[30, 7], lab / np.linalg.norm(lab))


def test_air_and_loop_fall_off_with_the_angle():
    found = diffuse_background(PARAMS, PANEL, BEAM, np.random.default_rng(0))
    assert_allclose(found, 3.0 * (0.1 + 0.9 * np.exp(-((spacing() / 0.45) ** 2))) * seen(), rtol=1e-9)


def test_the_solvent_has_a_ring_at_3_4_angstrom():
    rng = np.random.default_rng(0)
    with_ring = diffuse_background(PARAMS.model_copy(update={"solvent_ring": 0.5}), PANEL, BEAM, rng)
    ring = (with_ring - diffuse_background(PARAMS, PANEL, BEAM, rng)) / (3.0 * 0.5 * seen())
    assert_allclose(ring, np.exp(-(((spacing() - 1 / 3.4) / 0.055) ** 2)), atol=1e-9)


def test_ice_has_sharp_rings_that_vary_around_the_beam():
    icy = PARAMS.model_copy(update={"ice": 2.0})
    found = diffuse_background(icy, PANEL, BEAM, np.random.default_rng(1))
    excess = (found - diffuse_background(PARAMS, PANEL, BEAM, np.random.default_rng(1))) / (3.0 * 2.0 * seen())
    on = np.abs(spacing() - 1 / 3.897) < 2e-4
    assert excess[on].mean() == pytest.approx(1.0, abs=0.3)
    assert excess[on].std() > 0.1
    beside = np.abs(spacing()[:, :, None] - 1 / ICE_RINGS[:, 0]).min(axis=2) > 0.01
    assert excess[beside].max() < 1e-9
    weak = np.abs(spacing() - 1 / 2.671) < 2e-4
    assert excess[weak].mean() == pytest.approx(0.2, abs=0.1)


def test_the_stop_is_a_disc_about_the_beam_with_an_arm_upwards():
    found = shadow(PARAMS.model_copy(update={"beam_stop": 2.0}), PANEL, BEAM)
    x = (np.arange(487) + 0.5) * 0.172 - 43.0
    y = ((np.arange(619) + 0.5) * 0.172 - 50.0)[:, None]
    radius, arm = np.hypot(x, y), np.broadcast_to(np.abs(x), found.shape)
    dark = (radius < 1.9) | ((y < 0) & (arm < 0.4))
    lit = (radius > 2.1) & ((y >= 0) | (arm > 0.6))
    assert_allclose(found[dark], 0.01)
    assert_allclose(found[lit], 1.0)
    assert np.all((found >= 0.01) & (found <= 1.0))
    edge = np.isclose(radius, 2.0, atol=0.01) & (y > 0)
    assert_allclose(found[edge], 0.505, atol=0.06)


def test_the_shadow_is_where_the_beam_meets_the_panel_if_it_does():
    stop = PARAMS.model_copy(update={"beam_stop": 2.0})
    assert shadow(PARAMS.model_copy(update={"beam_stop": 0.0}), PANEL, BEAM) is None
    assert shadow(stop, PANEL, -BEAM) is None
    slanting = np.array([0.1, 0.0, -1.0]) / np.hypot(0.1, 1)
    dark = np.argwhere(shadow(stop, PANEL, slanting)[300:] < 0.02)
    assert dark[:, 1].mean() * 0.172 == pytest.approx(43.0 + 10.0, abs=0.2)
    behind = replace(PANEL, origin=PANEL.origin * [1, 1, -1])
    assert shadow(stop, behind, BEAM) is None


def test_crystallites_of_ice_diffract_at_the_spacings_of_ice():
    params = PARAMS.model_copy(update={"ice_spots": 4000.0})
    rays, photons = ice_rays(params, BEAM, np.random.default_rng(2))
    assert len(photons) == pytest.approx(4000, abs=300)
    assert_allclose(np.linalg.norm(rays.s1, axis=1), 1)
    d = 0.98 / np.linalg.norm(rays.s1 - BEAM, axis=1)
    off = np.abs(d[:, None] - ICE_RINGS[:, 0])
    assert off.min(axis=1).max() < 1e-6
    share = np.bincount(off.argmin(axis=1), minlength=10) / len(d)
    assert_allclose(share, ICE_RINGS[:, 1] / ICE_RINGS[:, 1].sum(), atol=0.03)
    assert_allclose(np.abs(rays.s1 @ BEAM), np.sqrt(1 - rays.sin_two_theta**2))
    assert_allclose(
        [np.abs(rays.tangent @ BEAM).max(), np.abs(np.sum(rays.tangent * rays.s1, axis=1)).max()], 0, atol=1e-9
    )
    assert photons.min() >= 30
    assert photons.mean() == pytest.approx(330, rel=0.05)
    azimuth = np.arctan2(rays.s1[:, 1], rays.s1[:, 0])
    assert np.abs(np.exp(1j * azimuth).mean()) < 0.05
