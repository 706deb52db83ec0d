"""Pixels, millimetres and wave vectors, against the optics that they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import panel
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.spatial.transform import Rotation

from autoproc.geometry.detector import (
    beam_centre_px,
    is_on_panel,
    lab_from_mm,
    mm_from_s1,
    mm_to_px,
    parallax_shift,
    pixel_resolution,
    pixel_s1,
    px_from_s1,
    px_to_mm,
    s1_from_mm,
    s1_from_px,
)
from autoproc.models.experiment import Beam, Detector, Panel

BEAM = Beam(0.9763)
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=25)


def tilted(seed: int, **changes: object) -> Panel:
    """A panel turned by up to 40 degrees, with pixels that are not square."""
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    turn = Rotation.from_rotvec(rng.uniform(0, 0.7) * axis / np.linalg.norm(axis)).as_matrix()
    flat = replace(panel(), pixel_size=(0.172, 0.11), **changes)
    return replace(flat, fast_axis=turn @ flat.fast_axis, slow_axis=turn @ flat.slow_axis, origin=turn @ flat.origin)


@FEW
@given(SEEDS)
def test_a_position_is_so_far_along_each_axis(seed):
    made = tilted(seed)
    lab = lab_from_mm(made, np.array([[3.0, 0.0], [0.0, 5.0], [3.0, 5.0]]))
    assert_allclose(lab[0] - made.origin, 3 * made.fast_axis)
    assert_allclose(lab[1] - made.origin, 5 * made.slow_axis)
    assert_allclose(lab[2], lab[0] + lab[1] - made.origin)


@FEW
@given(SEEDS)
def test_the_parallax_is_the_mean_depth_of_absorption_along_the_ray(seed):
    """Depths x are absorbed with a density mu exp(-mu x), as far as the ray is in the sensor."""
    made = tilted(seed)
    xy = np.random.default_rng(seed).uniform(0, 70, 2)
    ray = made.origin + xy[0] * made.fast_axis + xy[1] * made.slow_axis
    ray /= np.linalg.norm(ray)
    path = made.thickness / abs(ray @ np.cross(made.fast_axis, made.slow_axis))
    depth = quad(lambda x: x * made.mu * np.exp(-made.mu * x), 0, path)[0]
    assert_allclose(parallax_shift(made, xy), depth * np.array([ray @ made.fast_axis, ray @ made.slow_axis]), rtol=1e-9)


def test_parallax_moves_spots_away_from_where_the_beam_is_normal_to_the_panel():
    foot = np.array([43.0, 50.0])
    shift = parallax_shift(panel(), foot + [[0.0, 0.0], [20.0, 0.0], [-20.0, 0.0], [0.0, 20.0]])
    assert_allclose(shift[0], 0, atol=1e-12)
    assert shift[1, 0] > 0.015
    assert_allclose(shift[1], -shift[2], atol=1e-12)
    assert_allclose(shift[3], shift[1, ::-1], atol=1e-12)


@pytest.mark.parametrize("unknown", [{"thickness": 0.0}, {"mu": 0.0}])
def test_an_unknown_sensor_has_no_parallax(unknown):
    made = replace(panel(), **unknown)
    xy = np.array([[1.0, 2.0], [80.0, 90.0]])
    assert_allclose(parallax_shift(made, xy), 0)
    assert_allclose(px_to_mm(made, xy), xy * 0.172)
    assert_allclose(mm_to_px(made, xy * 0.172), xy)


@FEW
@given(SEEDS)
def test_where_a_ray_is_seen_and_where_it_enters_differ_by_the_parallax(seed):
    made = tilted(seed)
    xy = np.random.default_rng(seed).uniform(0, 480, (5, 2))
    mm = xy * [0.172, 0.11]
    assert_allclose(px_to_mm(made, xy), mm - parallax_shift(made, mm))
    assert_allclose(mm_to_px(made, mm) * [0.172, 0.11], mm + parallax_shift(made, mm))
    # each takes the shift at its own place: the round trip is good to the change of the shift over the shift
    assert_allclose(mm_to_px(made, px_to_mm(made, xy)), xy, atol=0.01)


@FEW
@given(SEEDS)
def test_wave_vectors_are_elastic_and_point_at_the_spot(seed):
    made = tilted(seed)
    xy = np.random.default_rng(seed).uniform(0, 60, (5, 2))
    s1 = s1_from_mm(made, BEAM, xy)
    assert_allclose(np.linalg.norm(s1, axis=1), 1 / 0.9763)
    assert_allclose(np.cross(s1, lab_from_mm(made, xy)), 0, atol=1e-10)
    assert np.all(np.einsum("ij,ij->i", s1, lab_from_mm(made, xy)) > 0)


@FEW
@given(SEEDS, st.floats(0.1, 9))
def test_rays_meet_the_panel_where_they_came_from_whatever_their_length(seed, length):
    made = tilted(seed)
    xy = np.random.default_rng(seed).uniform(0, 60, (5, 2))
    assert_allclose(mm_from_s1(made, length * s1_from_mm(made, BEAM, xy)), xy, atol=1e-9)


def test_rays_that_run_away_or_along_the_panel_do_not_meet_it():
    assert np.isnan(mm_from_s1(panel(), np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))).all()
    assert np.isfinite(mm_from_s1(panel(), np.array([0.0, 0.0, -1.0]))).all()


@FEW
@given(SEEDS)
def test_pixels_come_back_from_their_wave_vectors(seed):
    made = tilted(seed)
    xy = np.random.default_rng(seed).uniform(0, 480, (5, 2))
    assert_allclose(s1_from_px(made, BEAM, xy), s1_from_mm(made, BEAM, px_to_mm(made, xy)))
    assert_allclose(px_from_s1(made, s1_from_px(made, BEAM, xy)), xy, atol=0.01)
    thin = replace(made, mu=0.0)
    assert_allclose(px_from_s1(thin, s1_from_px(thin, BEAM, xy)), xy, atol=1e-8)


def test_a_panel_begins_with_its_first_pixel_and_ends_before_its_size():
    inside = [(0.0, 0.0), (486.999, 618.999), (243, 309)]
    outside = [(-1e-9, 5), (5, -1e-9), (487.0, 5), (5, 619.0), (np.nan, 5)]
    assert is_on_panel(panel(), np.array(inside)).all()
    assert not is_on_panel(panel(), np.array(outside)).any()


@FEW
@given(SEEDS)
def test_the_beam_centre_lies_on_the_beam(seed):
    made = tilted(seed)
    turned = Beam(1.2, direction=np.array([0.02, -0.03, 1.0]))
    x, y = beam_centre_px(Detector((made,)), turned)
    point = made.origin + x * 0.172 * made.fast_axis + y * 0.11 * made.slow_axis
    assert_allclose(np.cross(point, turned.s0), 0, atol=1e-9)


def test_resolution_is_braggs_law():
    made = replace(panel(parallax=False), image_size=(12, 9), origin=np.array([20.0, 30.0, -100.0]))
    d = pixel_resolution(made, BEAM)
    assert d.shape == (9, 12)
    for slow, fast in [(0, 0), (8, 0), (0, 11), (5, 7)]:
        radius = np.hypot(20.0 + 0.172 * (fast + 0.5), 30.0 - 0.172 * (slow + 0.5))
        theta = 0.5 * np.arctan(radius / 100.0)
        assert d[slow, fast] == pytest.approx(0.9763 / (2 * np.sin(theta)), rel=1e-9)


@FEW
@given(SEEDS)
def test_turning_the_laboratory_changes_no_resolution(seed):
    turn = Rotation.random(random_state=seed % 1000).as_matrix()
    made = replace(tilted(seed), image_size=(7, 5))
    turned = replace(made, fast_axis=turn @ made.fast_axis, slow_axis=turn @ made.slow_axis, origin=turn @ made.origin)
    beam = replace(BEAM, direction=turn @ BEAM.direction)
    assert_allclose(pixel_s1(turned, beam), pixel_s1(made, BEAM) @ turn.T, atol=1e-12)
    assert_allclose(pixel_resolution(turned, beam), pixel_resolution(made, BEAM))
