"""The columns that indexing writes, against predictions and mappings made one spot at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from synthetic_spots import random_spots, setting, spots_of, sweep

from autoproc.geometry.detector import mm_from_s1
from autoproc.geometry.reciprocal import is_entering, map_to_reciprocal_space, predict_near
from autoproc.indexing.assign import Assignment
from autoproc.indexing.columns import indexed_columns
from autoproc.indexing.least_squares import refine_model
from autoproc.indexing.model import model_of
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.indexing.solve import IndexingSolution
from autoproc.models.crystal import Crystal
from autoproc.models.reflections import Flag, Reflections

ONE, TWO = sweep(n_images=30), sweep(distance=180.0, n_images=30, start=30.0)
SETTINGS = [setting((60.0, 70.0, 80.0, 90.0, 95.0, 90.0), seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def indexed():
    """Two lattices on two sweeps, and spots of neither; some already carry flags."""
    parts = [spots_of(e, A, 5.0, sweep_id=n, seed=n + 5) for A in SETTINGS for n, e in enumerate((ONE, TWO))] + [
        random_spots(ONE, 20)
    ]
    spots = Reflections.concatenate(parts)
    lattice = np.repeat([0, 0, 1, 1, -1], [len(p) for p in parts])
    hkl = spots["hkl"].copy()
    hkl[0] = 200, 0, 0  # beyond the limiting sphere
    spots = spots.replace(hkl=hkl)
    spots = spots.replace(flags=np.full(len(spots), int(Flag.STRONG | Flag.INDEXED | Flag.CENTROID_OUTLIER)))
    model = model_of([ONE, TWO]).with_settings(SETTINGS)
    assignment, placed = Assignment(lattice, spots["hkl"]), spots_in_reciprocal_space([ONE, TWO], spots)
    fit = refine_model(model, placed, assignment, n_cycles=0)
    experiments = [
        replace(e, crystal=Crystal(A), identifier=f"{n}{m}")
        for n, A in enumerate(SETTINGS)
        for m, e in enumerate((ONE, TWO))
    ]
    solution = IndexingSolution(model, assignment, fit, (), (), ())
    return experiments, spots, lattice, fit, indexed_columns(experiments, 2, spots, placed, solution)


def test_experiments_are_lattices_on_sweeps(indexed):
    _, spots, lattice, _, found = indexed
    expected = np.where(lattice >= 0, 2 * lattice + spots["imageset_id"], -1)
    np.testing.assert_array_equal(found["experiment_id"], expected)
    assert found.identifiers == {0: "00", 1: "01", 2: "10", 3: "11"}
    np.testing.assert_array_equal(found["hkl"], spots["hkl"])


def test_observed_positions_are_mapped_with_each_sweeps_models(indexed):
    _, spots, _, _, found = indexed
    for number, one in enumerate((ONE, TWO)):
        rows = np.flatnonzero(spots["imageset_id"] == number)
        expected = map_to_reciprocal_space(one, spots[rows])
        for name in ("xyz_obs_mm", "xyz_obs_mm_variance", "s1", "rlp", "d"):
            assert_allclose(found[name][rows], expected[name], atol=1e-12, err_msg=name)


def test_calculated_positions_are_the_predictions_of_each_experiment(indexed):
    experiments, _, _, _, found = indexed
    for number, one in enumerate(experiments):
        rows = np.flatnonzero(found["experiment_id"] == number)
        assert len(rows) > 50
        xyz = predict_near(one, one.crystal.A, found["hkl"][rows], found["xyz_obs_mm"][rows, 2])
        seen = np.isfinite(xyz).all(axis=1)
        assert seen.mean() > 0.9
        assert seen.all() == (number > 0)
        assert_allclose(found["xyz_cal_px"][rows][seen, :2], xyz[seen, :2])
        assert_allclose(found["xyz_cal_mm"][rows][seen, 2], xyz[seen, 2])
        assert_allclose(found["xyz_cal_px"][rows][seen, 2], one.scan.frame_at(xyz[seen, 2]))
        off = found["xyz_cal_px"][rows][seen] - found["xyz_obs_px"][rows][seen]
        assert np.median(np.abs(off)) < 0.15
        assert not found["xyz_cal_px"][rows][~seen].any()
        assert not found["xyz_cal_mm"][rows][~seen].any()
        entering = is_entering(one.goniometer, one.beam, found["s1"][rows])
        np.testing.assert_array_equal(found["entering"][rows], entering)
        on_panel = mm_from_s1(one.detector[0], found["s1"][rows])
        assert_allclose(found["xyz_obs_mm"][rows, :2], on_panel, atol=1e-9)


def test_flags_say_what_was_indexed_used_and_an_outlier(indexed):
    _, _, lattice, fit, found = indexed
    np.testing.assert_array_equal(found.has_flag(Flag.INDEXED), lattice >= 0)
    used, outlier = (set(fit.used[where].tolist()) for where in (fit.weight > 0, fit.weight <= 0))
    assert set(np.flatnonzero(found.has_flag(Flag.USED_IN_REFINEMENT))) == used
    assert set(np.flatnonzero(found.has_flag(Flag.CENTROID_OUTLIER))) == outlier
    assert found.has_flag(Flag.STRONG).all()
    assert outlier


def test_what_is_not_indexed_has_no_calculated_position(indexed):
    *_, found = indexed
    rest = found["experiment_id"] == -1
    assert rest.sum() == 20
    assert not found["xyz_cal_px"][rest].any()
    assert not found["entering"][rest].any()


def test_spots_without_variances_or_flags_get_those_of_a_pixel(indexed):
    experiments, spots, lattice, fit, _ = indexed
    bare = spots.without("xyz_obs_px_variance", "flags")
    model = model_of([ONE, TWO]).with_settings(SETTINGS)
    solution = IndexingSolution(model, Assignment(lattice, spots["hkl"]), fit, (), (), ())
    found = indexed_columns(experiments, 2, bare, spots_in_reciprocal_space([ONE, TWO], bare), solution)
    assert_allclose(found["xyz_obs_mm_variance"], [[0.172**2, 0.172**2, np.radians(0.5) ** 2]] * len(spots))
    assert found.has_flag(Flag.STRONG).all()
