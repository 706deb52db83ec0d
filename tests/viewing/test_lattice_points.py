"""Points are where the geometry has reciprocal lattice points, also when the detector is moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment, panel, rotation

from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.models.experiment import Beam, Detector, Goniometer, ImageSet
from autoproc.models.reflections import Reflections
from autoproc.viewing.lattice_points import NO_LATTICE, observed_points, reciprocal_points

SINGLE = 3e-7
"""1/Angstrom: what positions in single precision are off by."""


def spots(n=50, seed=0, **columns):
    rng = np.random.default_rng(seed)
    xyz = rng.uniform([1, 1, 0], [480, 610, 40], (n, 3))
    table = {"xyz_obs_px": xyz, "panel": np.zeros(n), "experiment_id": np.zeros(n), "hkl": np.ones((n, 3))}
    return Reflections(table | columns)


def turned(seed):
    """An experiment whose goniometer, beam and detector are as they come."""
    random = rotation(seed)
    one = experiment()
    leaning = replace(
        panel(parallax=bool(seed % 2)),
        fast_axis=rotation_by(0.1) @ [1.0, 0, 0],
        slow_axis=rotation_by(0.1) @ [0, -1.0, 0],
    )
    return replace(
        one,
        beam=Beam(1.1, np.array([0.02, -0.01, 1.0]) / np.linalg.norm([0.02, -0.01, 1.0])),
        detector=Detector((leaning,)),
        goniometer=Goniometer(random[0], rotation(seed + 1), rotation(seed + 2)),
    )


def rotation_by(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_points_are_where_the_geometry_has_them(seed):
    one, table = turned(seed), spots(seed=seed)
    ours = reciprocal_points(observed_points([one], table))
    np.testing.assert_allclose(ours, map_to_reciprocal_space(one, table)["rlp"], atol=SINGLE)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-5, 5), st.floats(-5, 5), st.floats(-3, 3))
def test_a_moved_detector_is_one_whose_beam_centre_and_distance_are_others(seed, fast, slow, longer):
    one = turned(2 * seed)  # even: no parallax, which stays as it was where the detector moves
    sweep = observed_points([one], spots()).sweeps[0]
    origin = one.detector[0].origin + fast * sweep.along_fast + slow * sweep.along_slow + longer * sweep.away
    moved = replace(one, detector=Detector((replace(one.detector[0], origin=origin),)))
    before = beam_centre_px(one.detector, one.beam)
    np.testing.assert_allclose(beam_centre_px(moved.detector, one.beam), np.add(before, [fast, slow]), atol=1e-9)
    assert moved.detector[0].distance == pytest.approx(one.detector[0].distance + longer)
    ours = reciprocal_points(observed_points([one], spots()), (fast, slow), longer)
    np.testing.assert_allclose(ours, map_to_reciprocal_space(moved, spots())["rlp"], atol=SINGLE)


def test_lattices_of_one_sweep_share_it_and_other_images_are_another():
    first = experiment(crystal())
    second = replace(first, crystal=crystal(seed=3))
    other = replace(experiment(crystal(seed=4)), imageset=ImageSet("cbf", "/data/y_####.cbf"))
    table = spots(
        5, experiment_id=[0, 1, 2, -1, -1], imageset_id=[0, 0, 1, 0, 1], hkl=[[1, 2, 3]] * 3 + [[0, 0, 0]] * 2
    )
    points = observed_points([first, second, other], table)
    assert len(points.sweeps) == 2
    assert points.lattice.tolist() == [0, 1, 2, NO_LATTICE, NO_LATTICE]
    assert points.sweep.tolist() == [0, 0, 1, 0, 1]
    assert points.lattices[2].name == "y"
    assert len({one.name for one in points.lattices}) == 3
    assert [one.name for one in observed_points([first, second], spots()).lattices] == ["", ""]


def test_without_a_crystal_nothing_is_indexed():
    points = observed_points([replace(experiment(), crystal=None)], spots())
    assert (points.lattice == NO_LATTICE).all()
    assert not points.hkl.any()


def test_what_was_not_observed_is_left_out():
    xyz = np.array([[10.0, 20, 3], [0, 0, 0], [np.nan, 1, 1]])
    assert len(observed_points([experiment()], spots(3, xyz_obs_px=xyz))) == 1


def test_each_panel_has_its_place():
    one = experiment()
    second = replace(one.detector[0], origin=one.detector[0].origin + [90.0, 0, 5])
    two = replace(one, detector=Detector((one.detector[0], second)))
    table = spots(40, panel=np.arange(40) % 2)
    ours = reciprocal_points(observed_points([two], table))
    np.testing.assert_allclose(ours, map_to_reciprocal_space(two, table)["rlp"], atol=SINGLE)


def test_of_a_long_table_points_are_taken_evenly():
    points = observed_points([experiment()], spots(1000), at_most=300)
    assert points.n_spots == 1000
    np.testing.assert_array_equal(points.frame, spots(1000)["xyz_obs_px"][::4, 2].astype(np.float32))


def test_an_empty_table_has_no_points():
    assert len(observed_points([experiment()], spots(0))) == 0


def test_spots_of_panels_that_there_are_not_are_left_out():
    points = observed_points([experiment()], spots(4, panel=[0, 7, 0, 7]))
    assert points.row.tolist() == [0, 2]
    assert np.isfinite(reciprocal_points(points)).all()


def test_without_models_there_are_no_points():
    assert len(observed_points([], spots(4))) == 0
