"""The reflection's own frame, against closed forms on a flat panel and against crystals of turned blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment, panel
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from scipy.special import erf

from autoproc.geometry.detector import px_from_s1, s1_from_px
from autoproc.geometry.reciprocal import ewald_angles, nearest_crossing
from autoproc.geometry.rotation import crystal_from_lab, lab_from_crystal
from autoproc.integration.kabsch import (
    MAX_DRIFT,
    SpotFrames,
    bounding_boxes,
    kabsch_axes,
    mosaic_lever,
    pixel_transform,
    spot_frames,
)
from autoproc.integration.predict import predict
from autoproc.models.experiment import Detector

FEW = settings(max_examples=25)


def ray(two_theta: float, azimuth: float = 0.0, wavelength: float = 0.9763) -> np.ndarray:
    x, y = np.sin(two_theta) * np.cos(azimuth), np.sin(two_theta) * np.sin(azimuth)
    return np.array([[x, y, -np.cos(two_theta)]]) / wavelength


def test_axes_are_those_of_the_paper():
    """At 90 degrees along x with the beam along -z: e1 = s1 x s0 = +y, e2 = s1 x e1 = +z."""
    e1, e2 = kabsch_axes(np.array([0.0, 0.0, -1.0]), np.array([[1.0, 0.0, 0.0]]))
    assert_allclose(e1, [[0, 1, 0]], atol=1e-12)
    assert_allclose(e2, [[0, 0, 1]], atol=1e-12)


@FEW
@given(st.floats(0.05, 0.9))
def test_a_pixel_off_the_axis_is_seen_under_a_smaller_angle(two_theta):
    """Of a flat panel at D a pixel p spans p cos / D along the ring and p cos^2 / D across it."""
    flat = replace(experiment(), detector=Detector((panel(parallax=False),)))
    s1 = ray(two_theta)
    found = pixel_transform(flat, s1, px_from_s1(flat.detector[0], s1))[0]
    along, across = 0.172 * np.cos(two_theta) / 100.0, 0.172 * np.cos(two_theta) ** 2 / 100.0
    assert_allclose(np.abs(found), [[0, along], [across, 0]], rtol=1e-5, atol=1e-9)
    assert found[1, 0] > 0  # e2 leads away from the beam
    assert_allclose(found[0, 1], -along, rtol=1e-5)  # slow runs along -y, e1 along +y


def test_columns_are_differences_of_rays_with_the_sensors_parallax():
    made = experiment()
    xy = np.array([[400.0, 100.0], [30.0, 500.0]])
    s1 = s1_from_px(made.detector[0], made.beam, xy)
    e1, e2 = kabsch_axes(made.beam.s0, s1)
    found = pixel_transform(made, s1, xy)
    for column, h in enumerate(1e-3 * np.eye(2)):
        slope = (s1_from_px(made.detector[0], made.beam, xy + h) - s1) / 1e-3 * 0.9763
        assert_allclose(found[:, 0, column], np.sum(e1 * slope, axis=1), rtol=1e-3, atol=1e-7)
        assert_allclose(found[:, 1, column], np.sum(e2 * slope, axis=1), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize(("two_theta", "azimuth"), [(0.3, 1.4), (0.6, 0.9), (0.5, 0.45), (0.2, 2.0)])
def test_blocks_turned_at_random_spread_a_spot_as_the_lever_says(two_theta, azimuth):
    """Each block diffracts when it comes to the sphere itself; the rays are compared, the spindle along x."""
    made, eta, n = experiment(), 1e-4, 4000
    s1 = ray(two_theta, azimuth)
    r = s1 - made.beam.s0
    at_rest = crystal_from_lab(made.goniometer, np.zeros(1), r)
    blocks = Rotation.from_rotvec(np.random.default_rng(0).normal(0, eta, (n, 3))).apply(np.repeat(at_rest, n, axis=0))
    phi = nearest_crossing(ewald_angles(made.goniometer, made.beam, blocks), np.zeros(n))
    moved = (lab_from_crystal(made.goniometer, phi, blocks) + made.beam.s0 - s1) * 0.9763
    e1, e2 = kabsch_axes(made.beam.s0, s1)
    assert np.std(moved @ e1[0]) / eta == pytest.approx(mosaic_lever(made, s1)[0], rel=0.04)
    assert np.std(moved @ e2[0]) < 0.01 * eta


def test_near_the_spindle_the_lever_is_limited():
    made, s1 = experiment(), ray(0.5, 1e-4)
    length = np.linalg.norm(s1 - made.beam.s0)
    assert_allclose(mosaic_lever(made, s1), 0.9763 * length * np.sqrt(1 + MAX_DRIFT**2))


def test_frames_are_in_widths_of_the_spot():
    made = experiment(crystal(seed=3))
    predicted = predict(made, d_min=4.0, n_threads=1)[np.arange(20)]
    plain = spot_frames(made, predicted, 1e-3, 2e-3)
    px = pixel_transform(made, predicted.s1, predicted.xyz[:, :2])
    assert_allclose(plain.transform * 1e-3, px)
    assert_allclose(plain.rate, np.abs(predicted.zeta) * np.radians(0.5) / 2e-3)
    wide = spot_frames(made, predicted, 1e-3, 2e-3, spread=1e-3)
    lever = mosaic_lever(made, predicted.s1)
    assert_allclose(wide.transform[:, 0] * np.sqrt(1e-6 + (1e-3 * lever) ** 2)[:, None], px[:, 0])
    assert_allclose(wide.transform[:, 1], plain.transform[:, 1])
    assert wide[np.array([3])].centre.tolist() == [predicted.xyz[3].tolist()]


def random_frames(seed: int, n: int = 4) -> SpotFrames:
    rng = np.random.default_rng(seed)
    transform = Rotation.random(n, random_state=seed % 999).as_matrix()[:, :2, :2] + 0.3 * np.eye(2)
    return SpotFrames(rng.uniform(0, 50, (n, 3)), transform, rng.uniform(0.2, 3, n))


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 4))
def test_half_widths_are_the_reach_of_the_ellipse(seed, radius):
    frames = random_frames(seed)
    turn = np.linspace(0, 2 * np.pi, 2001)
    circle = radius * np.stack([np.cos(turn), np.sin(turn)])
    reach = np.abs(np.linalg.inv(frames.transform) @ circle).max(axis=2)
    assert_allclose(frames.half_widths_px(radius), reach, rtol=1e-5)


@FEW
@given(st.integers(0, 2**32 - 1))
def test_the_recorded_fraction_is_the_part_of_the_rocking_curve_within_the_scan(seed):
    frames = random_frames(seed)
    for z, rate, found in zip(frames.centre[:, 2], frames.rate, frames.recorded_fraction(30), strict=True):
        before, after = (erf(rate * (end - z) / np.sqrt(2)) / 2 for end in (0, 30))
        assert found == pytest.approx(after - before, abs=1e-12)


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_boxes_hold_the_peak_and_its_border_and_end_with_the_scan(seed, border):
    frames = random_frames(seed, 1)
    x0, x1, y0, y1, z0, z1 = bounding_boxes(frames, 3.0, border, 40)[0]
    (x, y, z), (wide, high) = frames.centre[0], frames.half_widths_px(3.0)[0]
    for low, high_end, at, half in ((x0, x1, x, wide), (y0, y1, y, high)):
        reach = half + max(half, border)
        assert at - reach - 1 < low <= at - reach
        assert at + reach <= high_end < at + reach + 1
    depth = 3.0 / frames.rate[0]
    assert z0 == np.clip(np.floor(z - depth), 0, 40)
    assert z1 == np.clip(np.ceil(z + depth), 0, 40)
