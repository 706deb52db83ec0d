"""Spots as points of reciprocal space, against mapping them one sweep at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from synthetic_spots import random_spots, setting, spots_of, sweep

from autoproc.geometry.reciprocal import map_to_reciprocal_space, zeta
from autoproc.indexing.reciprocal_spots import (
    LEAST_VARIANCE,
    MIN_ZETA,
    mapped_anew,
    spots_in_reciprocal_space,
    sweep_of,
)
from autoproc.models.experiment import Goniometer
from autoproc.models.reflections import Reflections

CELL = (60.0, 70.0, 80.0, 90.0, 95.0, 90.0)


def turned_goniometer() -> Goniometer:
    fixed, outer = Rotation.from_euler("xyz", [[0.2, 0.5, -0.3], [0.1, -0.4, 0.6]]).as_matrix()
    return Goniometer(np.array([0.6, 0.0, 0.8]), fixed, outer)


@pytest.fixture
def two_sweeps():
    first = sweep(n_images=40)
    second = replace(sweep(distance=200.0, width=0.25, start=30.0, wavelength=0.9), goniometer=turned_goniometer())
    spots = Reflections.concatenate([random_spots(first, 30, 1), random_spots(second, 40, 2, sweep_id=1)])
    return [first, second], spots


def test_each_sweep_is_mapped_with_its_own_models(two_sweeps):
    sweeps, spots = two_sweeps
    seen = spots_in_reciprocal_space(sweeps, spots)
    for number, one in enumerate(sweeps):
        rows = np.flatnonzero(spots["imageset_id"] == number)
        expected = map_to_reciprocal_space(one, spots[rows])
        assert_allclose(seen.s1[rows], expected["s1"])
        assert_allclose(seen.rlp[rows], expected["rlp"], atol=1e-12)
        assert_allclose(seen.d[rows], expected["d"])
        assert_allclose(seen.phi[rows], expected["xyz_obs_mm"][:, 2])
        assert_allclose(seen.xy_px[rows], spots["xyz_obs_px"][rows, :2])


def test_the_turn_of_a_crystal_is_undone(two_sweeps):
    sweeps, spots = two_sweeps
    turns = Rotation.from_rotvec([[0.01, 0, 0.02], [0, -0.03, 0]]).as_matrix()
    plain = spots_in_reciprocal_space(sweeps, spots)
    undone = mapped_anew(sweeps, plain, turns)
    back = np.einsum("nij,nj->ni", turns[undone.sweep], undone.rlp)
    assert_allclose(back, plain.rlp, atol=1e-12)
    assert_allclose(np.einsum("nij,nj->ni", turns[undone.sweep], undone.smear), plain.smear, atol=1e-12)
    assert_allclose(undone.d, plain.d)


def test_the_smear_is_where_the_point_goes_with_one_image_of_error(two_sweeps):
    sweeps, spots = two_sweeps
    turns = Rotation.from_rotvec([[0.01, 0, 0.02], [0, -0.03, 0]]).as_matrix()
    seen, step = mapped_anew(sweeps, spots_in_reciprocal_space(sweeps, spots), turns), 1e-4
    ends = [mapped_anew(sweeps, replace(seen, phi=seen.phi + h), turns).rlp for h in (-step, step)]
    per_radian = (ends[1] - ends[0]) / (2 * step)
    for number, one in enumerate(sweeps):
        rows = seen.sweep == number
        speed = np.maximum(np.abs(zeta(one.goniometer, one.beam, seen.s1[rows])), MIN_ZETA)
        expected = np.radians(one.scan.oscillation[1]) * per_radian[rows] / speed[:, None]
        assert_allclose(-seen.smear[rows], expected, atol=1e-9)


def test_uncertainties_are_relative_and_none_is_nothing(two_sweeps):
    sweeps, spots = two_sweeps
    variance = spots["xyz_obs_px_variance"].copy()
    variance[3], variance[4] = 0.0, 0.04
    seen = spots_in_reciprocal_space(sweeps, spots.replace(xyz_obs_px_variance=variance))
    assert_allclose(seen.sigma[0], 0.1)
    assert_allclose(seen.sigma[3], 0.1 * np.sqrt(LEAST_VARIANCE))
    assert_allclose(seen.sigma[4], 0.2)
    assert_allclose(spots_in_reciprocal_space(sweeps, spots.without("xyz_obs_px_variance")).sigma, 1.0)


def test_the_sweep_of_a_spot_is_that_of_its_images_or_of_its_list():
    table = Reflections({"imageset_id": [2, -1, 0], "experiment_id": [5, 6, 7]})
    assert sweep_of(table).tolist() == [2, 0, 0]
    assert sweep_of(table.without("imageset_id")).tolist() == [5, 6, 7]
    assert sweep_of(Reflections({"experiment_id": [-1, 1]})).tolist() == [0, 1]
    assert sweep_of(Reflections({"panel": [0, 0]})).tolist() == [0, 0]


def test_rows_are_taken_of_every_column(two_sweeps):
    sweeps, spots = two_sweeps
    seen, rows = spots_in_reciprocal_space(sweeps, spots), np.array([5, 3, 60])
    again = spots_in_reciprocal_space(sweeps, spots[rows])
    for name in ("sweep", "panel", "xy_px", "phi", "s1", "rlp", "d", "smear"):
        assert_allclose(getattr(seen[rows], name), getattr(again, name), atol=1e-12)


def test_no_spots_are_no_points():
    one = sweep()
    nothing = spots_of(one, setting(CELL), 3.0)[:0]
    assert len(spots_in_reciprocal_space([one], nothing)) == 0


def test_a_scan_that_turns_backwards_smears_as_far():
    """One image of error is one image, whichever way the spindle turns; spots without a panel are on the first."""
    forth, back = sweep(n_images=40), sweep(n_images=40, width=-0.5)
    spots = random_spots(forth, 20)
    mirrored = spots.replace(xyz_obs_px=spots["xyz_obs_px"] * [1, 1, -1]).without("panel")
    assert_allclose(
        spots_in_reciprocal_space([back], mirrored).smear, spots_in_reciprocal_space([forth], spots).smear, atol=1e-12
    )


def test_spots_of_the_sweep_after_the_last_are_refused():
    with pytest.raises(ValueError, match="spots of sweep 1, but 1 sweeps"):
        spots_in_reciprocal_space([sweep()], random_spots(sweep(), 3, sweep_id=1))
