from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from autoproc.simulation.detectors import KINDS, silicon_attenuation, true_panel
from autoproc.simulation.params import SimulateParams, small_params
from autoproc.simulation.spots import absorption_depth, diffract, land, polarization, sensor_efficiency

AXIS = np.array([1.0, 0.0, 0.0])
BEAM = np.array([0.0, 0.0, -1.0])
MOSAICITY = np.radians(0.1)


def rays_over(r, start, stop, n_images, mosaicity=MOSAICITY):
    """Rays of vectors r (N, 3), wavelength 1, on consecutive images."""
    edges = np.linspace(start, stop, n_images + 1)
    for low, high in pairwise(edges):
        angles = np.linspace(low, high, 4)
        settings = Rotation.from_rotvec(angles[:, None] * AXIS).as_matrix()
        yield diffract(r, settings, angles, BEAM, axis=AXIS, mosaicity=mosaicity)


def test_a_whole_passage_records_one_over_zeta():
    r = np.array([[0.1, 0.3, 0.2], [-0.2, 0.25, -0.1], [0.05, -0.4, 0.3]])
    totals = sum(rays.recorded for rays in rays_over(r, -np.pi / 2, np.pi / 2, 720))
    cosine = r[:, 2] + 1j * r[:, 1]
    target = -0.5 * (r**2).sum(axis=1)  # r . s0 on the sphere
    # derivative of r . s0 with phi on the sphere, by hand: zeta sin(alpha) |r|
    slope = np.sqrt(np.abs(cosine) ** 2 - target**2)
    along = r - 0
    zeta = slope / np.sqrt((along**2).sum(axis=1) - target**2)
    np.testing.assert_allclose(totals, 1 / zeta, rtol=2e-3)


def test_rays_satisfy_bragg_and_are_unit_vectors():
    r = np.array([[0.1, 0.3, 0.2]])
    for rays in rays_over(r, -0.5, 0.5, 50):
        np.testing.assert_allclose(np.linalg.norm(rays.s1, axis=1), 1.0)
        np.testing.assert_allclose(np.linalg.norm(rays.s1 - BEAM, axis=1), np.linalg.norm(r, axis=1), rtol=1e-9)
        np.testing.assert_allclose(rays.tangent @ BEAM, 0.0, atol=1e-12)


def test_a_still_records_the_density_at_its_angle():
    r = np.array([[0.1, 0.3, 0.2]])
    settings = Rotation.from_rotvec(np.zeros((3, 3))).as_matrix()
    on_sphere = diffract(r, settings, np.zeros(3), BEAM, axis=AXIS, mosaicity=10.0)
    assert on_sphere.recorded[0] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-2)


def test_rays_land_where_the_panel_is():
    panel = replace(true_panel(small_params(two_theta=15.0, detector_tilt=(1.0, -2.0))), thickness=0.0)
    pixels = np.array([(10.0, 20.0), (200.0, 250.0), (125.0, 40.0)])
    laboratory = panel.origin + 0.172 * (pixels[:, :1] * panel.fast_axis + pixels[:, 1:] * panel.slow_axis)
    rays = next(rays_over(np.array([[0.1, 0.3, 0.2]] * 3), 0, 0.01, 1))
    rays = replace(rays, s1=laboratory / np.linalg.norm(laboratory, axis=1)[:, None])
    np.testing.assert_allclose(land(rays, panel, 1e-3).centre, pixels, atol=1e-9)
    behind = land(replace(rays, s1=-rays.s1), panel, 1e-3)
    assert np.isnan(behind.centre).all()


def test_covariance_is_that_of_sampled_rays():
    params = small_params(two_theta=25.0, distance=40.0)
    panel = true_panel(params)
    rays = next(rays_over(np.array([[0.12, -0.1, 0.28]]), 0, 0.01, 1))
    divergence = np.radians(0.1)
    footprint = land(rays, panel, divergence)
    rng, n = np.random.default_rng(1), 200_000
    radial = np.cross(rays.s1, rays.tangent)
    along = np.hypot(divergence, rays.tangent_width) * rng.standard_normal((n, 1))
    s1 = rays.s1 + along * rays.tangent + divergence * rng.standard_normal((n, 1)) * radial
    s1 /= np.linalg.norm(s1, axis=1)[:, None]
    on_panel = s1 * (panel.origin @ panel.normal) / (s1 @ panel.normal)[:, None]
    path = panel.thickness / abs(float((rays.s1 @ panel.normal)[0]))
    depth = -np.log1p(-rng.uniform(size=n) * -np.expm1(-panel.mu * path)) / panel.mu
    stopped = (on_panel + depth[:, None] * s1 - panel.origin) @ np.column_stack([panel.fast_axis, panel.slow_axis])
    stopped /= 0.172
    np.testing.assert_allclose(stopped.mean(axis=0), footprint.centre[0], atol=0.02)
    sampled = np.cov(stopped.T)
    np.testing.assert_allclose([sampled[0, 0], sampled[0, 1], sampled[1, 1]], footprint.covariance[0], atol=0.02)


def test_absorption_depth_against_quadrature():
    panel = true_panel(SimulateParams(wavelength=1.2))
    cosine = np.array([1.0, 0.7, 0.5])
    mean, variance = absorption_depth(panel, cosine)
    for c, m, v in zip(cosine, mean, variance, strict=True):
        depth = (np.arange(20_000) + 0.5) / 20_000 * panel.thickness / c
        weight = np.exp(-panel.mu * depth)
        expected = (weight * depth).sum() / weight.sum()
        assert m == pytest.approx(expected, rel=1e-4)
        assert v == pytest.approx((weight * (depth - expected) ** 2).sum() / weight.sum(), rel=1e-3)
    assert sensor_efficiency(panel, np.array([1.0]))[0] == pytest.approx(-np.expm1(-panel.mu * 0.32))


def test_polarization_in_and_across_the_plane():
    angle = np.radians(40.0)
    horizontal = np.array([[np.sin(angle), 0.0, -np.cos(angle)]])
    vertical = np.array([[0.0, np.sin(angle), -np.cos(angle)]])
    assert polarization(horizontal, BEAM, 1.0)[0] == pytest.approx(np.cos(angle) ** 2)
    assert polarization(vertical, BEAM, 1.0)[0] == pytest.approx(1.0)
    for s1 in (horizontal, vertical):
        assert polarization(s1, BEAM, 0.5)[0] == pytest.approx(0.5 * (1 + np.cos(angle) ** 2))


@pytest.mark.parametrize(("wavelength", "mu"), [(0.69, 1.42196), (0.9763, 3.92262), (1.54, 14.796)])
def test_attenuation_of_silicon_is_that_of_cctbx(wavelength, mu):
    assert silicon_attenuation(wavelength) == pytest.approx(mu, rel=0.02)


def test_modules_and_gaps():
    active = KINDS["pilatus300k"].active
    assert active.shape == (619, 487)
    assert np.flatnonzero(~active[:, 0]).tolist() == [*range(195, 212), *range(407, 424)]
    assert KINDS["pilatus2m"].active.shape == (1679, 1475)
    assert KINDS["pilatus6m"].active.shape == (2527, 2463)
    assert KINDS["eiger1m"].active.shape == (1065, 1030)
    assert KINDS["eiger4m"].active.shape == (2167, 2070)
