from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from autoproc.geometry.detector import px_from_s1
from autoproc.geometry.reciprocal import (
    ewald_angles,
    in_mm,
    is_entering,
    map_to_reciprocal_space,
    nearest_crossing,
    predict_near,
    resolution,
    zeta,
)
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.experiment import Beam, Goniometer
from autoproc.models.reflections import Reflections


@pytest.fixture
def diffracting():
    """An experiment, indices that diffract and both of their rotation angles."""
    truth = experiment(crystal(seed=3))
    grid = np.stack(np.meshgrid(*(np.arange(-12, 13),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    angles = ewald_angles(truth.goniometer, truth.beam, grid @ truth.crystal.A.T)
    good = np.isfinite(angles).all(axis=1) & np.any(grid != 0, axis=1)
    return truth, grid[good], angles[good]


def test_both_crossings_lie_on_the_sphere(diffracting):
    truth, hkl, angles = diffracting
    for phi in angles.T:
        s1 = lab_from_crystal(truth.goniometer, phi, hkl @ truth.crystal.A.T) + truth.beam.s0
        assert_allclose(np.linalg.norm(s1, axis=1) * truth.beam.wavelength, 1, atol=1e-9)


def test_one_crossing_enters_and_the_other_leaves(diffracting):
    truth, hkl, angles = diffracting
    r = hkl @ truth.crystal.A.T
    s1 = [lab_from_crystal(truth.goniometer, phi, r) + truth.beam.s0 for phi in angles.T]
    entering = [is_entering(truth.goniometer, truth.beam, s) for s in s1]
    assert np.all(entering[0] != entering[1])
    steep = [zeta(truth.goniometer, truth.beam, s) for s in s1]
    assert np.all((steep[0] < 0) == entering[0])
    assert np.abs(steep).max() <= 1


def test_zeta_is_the_speed_across_the_sphere(diffracting):
    """The angle off the Bragg condition changes by zeta for a small rotation (Kabsch 2010)."""
    truth, hkl, angles = diffracting
    r, step = hkl @ truth.crystal.A.T, 1e-5
    s0 = truth.beam.s0
    ends = [lab_from_crystal(truth.goniometer, angles[:, 0] + h, r) for h in (-step, step)]
    to_beam = [np.arccos((q @ s0) / (np.linalg.norm(q, axis=1) * np.linalg.norm(s0))) for q in ends]
    rate = (to_beam[1] - to_beam[0]) / (2 * step)
    s1 = lab_from_crystal(truth.goniometer, angles[:, 0], r) + s0
    assert_allclose(np.abs(rate), np.abs(zeta(truth.goniometer, truth.beam, s1)), atol=1e-6)


def test_the_nearest_crossing_is_in_the_same_turn():
    angles = np.array([[0.1, 3.0], [0.1, 3.0], [np.nan, np.nan]])
    found = nearest_crossing(angles, np.array([0.2 + 4 * np.pi, -3.1, 1.0]))
    assert_allclose(found[:2], [0.1 + 4 * np.pi, 3.0 - 2 * np.pi])
    assert np.isnan(found[2])


def test_predicted_spots_map_back_onto_their_lattice(diffracting):
    truth, hkl, angles = diffracting
    xyz = predict_near(truth, truth.crystal.A, hkl, angles[:, 0])
    seen = np.isfinite(xyz).all(axis=1)
    frame = truth.scan.frame_at(xyz[seen, 2])
    spots = Reflections({"panel": np.zeros(seen.sum()), "xyz_obs_px": np.column_stack([xyz[seen, :2], frame])})
    mapped = map_to_reciprocal_space(truth, spots)
    # dxtbx corrects parallax at the place where a spot is seen, not where its ray enters: good to 1e-4 of an index
    assert_allclose(mapped["rlp"] @ np.linalg.inv(truth.crystal.A).T, hkl[seen], atol=2e-3)
    assert_allclose(mapped["d"], resolution(truth.beam, mapped["s1"]))


def test_positions_in_mm_have_the_size_of_pixels_and_frames():
    truth = experiment()
    xyz = np.array([[243.5, 309.5, 0.0], [0.0, 0.0, 4.0]])
    mm, size = in_mm(truth, np.zeros(2, int), xyz)
    assert_allclose(mm[:, 2], np.radians([10.0, 12.0]))
    assert_allclose(size, np.broadcast_to([0.172, 0.172, np.radians(0.5)], (2, 3)))
    assert_allclose(mm[:, :2], xyz[:, :2] * 0.172, atol=0.2)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_crossings_with_any_goniometer_and_beam_are_where_the_length_is_right(seed):
    """The spindle need not be at right angles to the beam; a point crosses twice or never."""
    rng = np.random.default_rng(seed)
    fixed, setting = Rotation.random(2, random_state=seed % 9999).as_matrix()
    axis, direction = rng.normal(size=(2, 3))
    goniometer = Goniometer(axis / np.linalg.norm(axis), fixed, setting)
    beam = Beam(0.7, direction=direction)
    rlp = rng.normal(size=(30, 3)) * 0.6
    angles = ewald_angles(goniometer, beam, rlp)
    turns = np.linspace(-np.pi, np.pi, 721)
    for point, found in zip(rlp, angles, strict=True):
        lab = Rotation.from_rotvec(turns[:, None] * goniometer.axis).apply(fixed @ point) @ setting.T
        off = np.linalg.norm(lab + beam.s0, axis=1) - 1 / 0.7
        n_changes = np.count_nonzero(off[:-1] * off[1:] < 0)
        if np.isnan(found).any():
            assert n_changes == 0
        else:
            s1 = lab_from_crystal(goniometer, found, np.tile(point, (2, 1))) + beam.s0
            assert_allclose(np.linalg.norm(s1, axis=1), 1 / 0.7)
            assert n_changes == 2 or np.ptp(found) < 0.02 or np.ptp(found) > 2 * np.pi - 0.02


def test_resolution_is_braggs_law():
    two_theta = np.radians([10.0, 60.0])
    s1 = np.column_stack([np.sin(two_theta), 0 * two_theta, -np.cos(two_theta)]) / 0.98
    assert_allclose(resolution(Beam(0.98), s1), 0.98 / (2 * np.sin(two_theta / 2)))


def test_a_prediction_is_where_the_ray_of_its_own_angle_is_seen(diffracting):
    truth, hkl, angles = diffracting
    r = lab_from_crystal(truth.goniometer, angles[:, 1], hkl @ truth.crystal.A.T)
    expected = px_from_s1(truth.detector[0], r + truth.beam.s0)
    found = predict_near(truth, np.tile(truth.crystal.A, (len(hkl), 1, 1)), hkl, angles[:, 1] + 1e-3)
    assert np.isfinite(expected).all(axis=1).sum() > 20
    same = np.abs(angles[:, 0] - angles[:, 1]) > 0.01
    assert_allclose(found[same, :2], expected[same], atol=1e-6)
    assert_allclose(found[same, 2], angles[same, 1], atol=1e-9)


def test_variances_become_those_of_mm_and_radians():
    truth = experiment()
    spots = Reflections(
        {
            "panel": np.zeros(1),
            "xyz_obs_px": np.array([[9.0, 8.0, 7.0]]),
            "xyz_obs_px_variance": np.array([[1.0, 2.0, 3.0]]),
        }
    )
    found = map_to_reciprocal_space(truth, spots)["xyz_obs_mm_variance"]
    assert_allclose(found, [[0.172**2, 2 * 0.172**2, 3 * np.radians(0.5) ** 2]])
