"""Lorentz, polarisation and absorption in the sensor, against the physics that they correct for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import panel
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from autoproc.geometry.corrections import lorentz_polarisation, polarisation_factor, sensor_efficiency
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.experiment import Beam, Goniometer

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=25)


def wave_vectors(seed: int, wavelength: float, n: int = 6) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) / wavelength


@FEW
@given(SEEDS, st.floats(0, 1))
def test_polarisation_is_that_of_two_dipoles(seed, fraction):
    """A dipole sends sin^2 of the angle to itself: one lies in the plane of polarisation, one along its normal."""
    beam = Beam(1.3, polarization_normal=np.array([0.0, 2.0, 0.0]), polarization_fraction=fraction)
    s = wave_vectors(seed, 1.3)
    x, y, _ = (1.3 * s).T
    assert_allclose(polarisation_factor(beam, s), fraction * (1 - x**2) + (1 - fraction) * (1 - y**2), atol=1e-12)


@FEW
@given(st.floats(0, np.pi))
def test_an_unpolarised_beam_has_the_factor_of_textbooks(two_theta):
    beam = Beam(1.0, polarization_fraction=0.5)
    s1 = np.array([np.sin(two_theta) * 0.6, np.sin(two_theta) * 0.8, -np.cos(two_theta)])
    assert polarisation_factor(beam, s1) == pytest.approx((1 + np.cos(two_theta) ** 2) / 2)


@FEW
@given(SEEDS)
def test_the_lorentz_factor_is_the_time_that_a_point_takes_through_the_sphere(seed):
    """1/L is the speed of |s|^2 / 2 in units of 1/wavelength^2, by differences of a small rotation."""
    rng = np.random.default_rng(seed)
    beam = Beam(0.8, direction=np.array([0.1, -0.2, 1.0]))
    goniometer = Goniometer(
        axis=np.array([0.6, 0.0, 0.8]), fixed=Rotation.random(random_state=rng.integers(999)).as_matrix(),
        setting=Rotation.random(random_state=rng.integers(999)).as_matrix(),
    )  # fmt: skip
    s1 = wave_vectors(seed, 0.8)
    phi, step = rng.uniform(-3, 3, len(s1)), 1e-5
    lab = s1 - beam.s0
    back = np.array([(goniometer.setting @ turn @ goniometer.fixed).T @ v
                     for turn, v in zip(Rotation.from_rotvec(phi[:, None] * goniometer.axis).as_matrix(), lab,
                                        strict=True)])  # fmt: skip
    square = [np.sum((lab_from_crystal(goniometer, phi + h, back) + beam.s0) ** 2, axis=1) / 2 for h in (-step, step)]
    speed = 0.8**2 * np.abs(square[1] - square[0]) / (2 * step)
    assert_allclose(lorentz_polarisation(beam, goniometer, s1) * polarisation_factor(beam, s1), speed, atol=1e-8)


def test_on_the_equator_the_lorentz_factor_is_one_over_sin_two_theta():
    two_theta = np.radians([5.0, 30.0, 80.0])
    beam = Beam(1.0, polarization_fraction=0.5)
    s1 = np.column_stack([0 * two_theta, np.sin(two_theta), -np.cos(two_theta)])
    expected = np.sin(two_theta) / ((1 + np.cos(two_theta) ** 2) / 2)
    assert_allclose(lorentz_polarisation(beam, Goniometer(), s1), expected)


def test_no_photons_at_right_angles_along_the_field_are_made_no_infinity():
    beam = Beam(1.0, polarization_fraction=1.0)
    along_field = np.array([[1.0, 0.0, 0.0]])
    assert polarisation_factor(beam, along_field)[0] == pytest.approx(0, abs=1e-12)
    assert lorentz_polarisation(beam, Goniometer(axis=np.array([0.0, 1.0, 0.0])), along_field)[0] == pytest.approx(1e6)


@FEW
@given(SEEDS, st.floats(0.2, 3))
def test_corrections_depend_on_directions_only(seed, factor):
    beam, goniometer, s1 = Beam(1.1), Goniometer(), wave_vectors(seed, 1.1)
    scaled = replace(beam, wavelength=1.1 / factor)
    assert_allclose(
        lorentz_polarisation(scaled, goniometer, s1 * factor), lorentz_polarisation(beam, goniometer, s1), atol=1e-12
    )


def test_silicon_absorbs_what_its_thickness_says():
    """320 um of silicon at 3.9 /mm: 71.3% head on, and as 640 um at 60 degrees."""
    made = panel()
    slanting = np.array([np.sin(np.radians(60)), 0, -np.cos(np.radians(60))])
    s1 = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 2.0], slanting])
    assert_allclose(sensor_efficiency(made, s1), [0.71293, 0.71293, 0.917591], atol=1e-5)


def test_an_unknown_sensor_absorbs_everything_and_a_grazing_ray_nearly():
    assert_allclose(sensor_efficiency(panel(parallax=False), np.ones((3, 3))), 1)
    assert sensor_efficiency(replace(panel(), thickness=1e-4), np.array([[1.0, 0.0, 0.0]]))[0] == pytest.approx(
        1 - np.exp(-3.9e-4 / 1e-3)
    )
