"""From experiments and spots to a problem and back."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from refinement_case import experiment, spots

from autoproc.geometry.reciprocal import map_to_reciprocal_space, zeta
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.refinement.gradients import IndexedSpots
from autoproc.refinement.setup import (
    Selection,
    build,
    cell_uncertainty,
    crystal_model,
    refined_experiments,
    select_indexed,
    thinned,
    with_common_cells,
)
from autoproc.refinement.spline_smoother import SplineSmoother

TURN = rotation_matrix(np.array([0.6, 0.0, 0.8]), 0.3)


def test_what_refinement_reads_of_a_spot_is_its_place_in_mm_and_radians():
    truth = experiment()
    table = spots(truth, n=200)
    (found,) = select_indexed([truth], table, 0.0)
    mapped = map_to_reciprocal_space(truth, table)
    assert_allclose(found.observed.xyz, mapped["xyz_obs_mm"])
    assert_allclose(found.observed.weights, 1 / mapped["xyz_obs_mm_variance"])
    assert_allclose(found.observed.hkl, table["hkl"])
    assert_allclose(found.observed.frame, table["xyz_obs_px"][:, 2])
    steep = zeta(truth.goniometer, truth.beam, mapped["s1"])
    np.testing.assert_array_equal(found.observed.entering, steep < 0)
    (cut,) = select_indexed([truth], table, 0.4)
    np.testing.assert_array_equal(cut.observed.weights[:, 0] > 0, np.abs(steep) >= 0.4)
    np.testing.assert_array_equal(cut.rows, np.arange(200))


def test_each_experiment_has_its_own_indexed_spots():
    truth = experiment()
    table = spots(truth, n=30)
    hkl, ids = table["hkl"].copy(), np.arange(30) % 3 - 1
    hkl[4] = 0
    first, second = select_indexed([truth, truth], table.replace(hkl=hkl, experiment_id=ids), 0.05)
    assert first.rows.tolist() == [n for n in range(30) if n % 3 == 1 and n != 4]
    assert second.rows.tolist() == [n for n in range(30) if n % 3 == 2]


def test_spots_of_impossible_variance_get_the_usual_one():
    truth = experiment()
    table = spots(truth, n=50)
    variance = table["xyz_obs_px_variance"].copy()
    variance[3], variance[4, 2], variance[5] = 0.0, -1.0, 0.09
    (found,) = select_indexed([truth], table.replace(xyz_obs_px_variance=variance), 0.0)
    size = np.array([0.172, 0.172, np.radians(0.5)])
    usual = 1 / (np.array([0.01, 0.01, 0.0225]) * size**2)
    assert_allclose(found.observed.weights[[3, 4, 6]], [usual] * 3)
    assert_allclose(found.observed.weights[5], 1 / (0.09 * size**2))


@pytest.mark.parametrize("known", [False, True])
def test_without_variances_all_spots_count_as_known_to_a_pixel(known):
    truth = experiment()
    table = spots(truth, n=20)
    table = table.replace(xyz_obs_px_variance=np.zeros((20, 3))) if known else table.without("xyz_obs_px_variance")
    (found,) = select_indexed([truth], table, 0.0)
    assert_allclose(found.observed.weights, [[0.172**-2, 0.172**-2, np.radians(0.5) ** -2]] * 20)


def at_frames(frame: np.ndarray) -> Selection:
    n = len(frame)
    nothing = np.zeros((n, 3))
    return Selection(
        np.arange(n) + 100, IndexedSpots(nothing, np.zeros(n, int), nothing, frame, nothing, np.zeros(n, bool))
    )


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 40), st.sampled_from([0.1, 0.5, 2.0, -0.5]))
def test_thinning_leaves_at_most_so_many_spots_a_degree(seed, per_degree, width):
    one = experiment(n_images=30, width=width)
    frame = np.random.default_rng(seed).uniform(0, 30, 400)
    found = thinned(at_frames(frame), one, per_degree)
    total = 30 * abs(width)
    n_bins = max(1, int(np.ceil(total)))
    limit = max(1, int(per_degree * total / n_bins))
    bins = np.minimum((frame / 30 * n_bins).astype(int), n_bins - 1)
    expected = np.minimum(np.bincount(bins, minlength=n_bins), limit)
    kept = found.rows - 100
    np.testing.assert_array_equal(np.bincount(bins[kept], minlength=n_bins), expected)
    np.testing.assert_array_equal(found.observed.frame, frame[kept])
    assert np.all(np.diff(kept) > 0)
    np.testing.assert_array_equal(thinned(at_frames(frame), one, per_degree).rows, found.rows)


def test_nothing_is_thinned_where_nothing_has_to_be():
    one, selection = experiment(n_images=30), at_frames(np.linspace(0, 30, 100))
    assert thinned(selection, one, None) is selection
    assert thinned(selection, one, 100.0) is selection
    nobody = at_frames(np.zeros(0))
    assert thinned(nobody, one, 1.0) is nobody


def test_models_that_experiments_share_are_built_once():
    first = experiment(n_images=20)
    second = replace(first, beam=replace(first.beam), crystal=Crystal(TURN @ first.crystal.A))
    third = replace(first, scan=replace(first.scan))
    selections = select_indexed([first, second, third], spots(first, n=10), 0.05)
    sweeps, state = build([first, second, third], selections, [SplineSmoother(20, 0)] * 3)
    assert [(s.detector, s.beam, s.crystal) for s in sweeps] == [(0, 0, 0), (0, 1, 1), (0, 0, 0)]
    assert (len(state.detectors), len(state.beams), len(state.crystals)) == (1, 2, 2)
    varying, other = build([first, second, third], selections, [SplineSmoother(20, 2)] * 3)
    assert [s.crystal for s in varying] == [0, 1, 2]
    assert len(other.crystals) == 3
    with pytest.raises(ValueError, match="crystal in every experiment"):
        build([replace(first, crystal=None)], selections[:1], [SplineSmoother(20, 0)])


def test_cells_alike_but_for_rounding_are_one():
    A = experiment().crystal.A
    made = [crystal_model(Crystal(a), SplineSmoother(10, 0)) for a in (A, TURN @ A * (1 + 1e-12), A * (1 + 1e-5))]
    one, two, three = with_common_cells(made)
    assert two.B is one.B
    assert two.strains is one.strains
    assert_allclose(two.U @ two.B, TURN @ A, atol=1e-9)
    assert three.B is not one.B
    tetragonal = crystal_model(
        Crystal(b_matrix((50, 50, 60, 90, 90, 90)), gemmi.SpaceGroup("P 4")), SplineSmoother(10, 0)
    )
    triclinic = crystal_model(Crystal(b_matrix((50, 50, 60, 90, 90, 90))), SplineSmoother(10, 0))
    assert with_common_cells([tetragonal, triclinic])[1].B is not tetragonal.B


def test_a_crystal_is_pulled_onto_its_symmetry_where_it_is_refined():
    cell = (77.1, 77.5, 38.0, 90.1, 89.9, 90.0)
    model = crystal_model(Crystal(TURN @ b_matrix(cell), gemmi.SpaceGroup("P 43 21 2")), SplineSmoother(10, 3))
    found = Crystal(model.U @ model.B).cell
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    assert_allclose(found[3:], 90, atol=1e-9)
    assert (model.omega.shape, model.strain.shape) == ((5, 3), (5, 2))


@pytest.mark.parametrize("intervals", [0, 3])
def test_there_and_back_the_experiments_are_the_same(intervals):
    truth = experiment(n_images=20)
    selections = select_indexed([truth, truth], spots(truth, n=10), 0.05)
    sweeps, state = build([truth, truth], selections, [SplineSmoother(20, intervals)] * 2)
    found = refined_experiments([truth, truth], sweeps, state)
    assert found[0].crystal is found[1].crystal
    assert_allclose(found[0].crystal.A, truth.crystal.A, atol=1e-12)
    assert found[0].crystal.n_scan_points == (21 if intervals else 0)
    assert found[0].crystal.cell_esd is None
    assert (found[0].detector is truth.detector, found[0].beam is truth.beam) == (True, True)


def test_a_curve_is_told_at_every_image_and_its_mean_is_the_static_crystal():
    truth = experiment(n_images=20)
    sweeps, state = build([truth], select_indexed([truth], spots(truth, n=10), 0.05), [SplineSmoother(20, 2)])
    crystal = state.crystals[0]
    ramp = np.linspace(-1, 1, 4)[:, None] * [1e-3, 0, 0]
    found = refined_experiments([truth], sweeps, replace(state, crystals=(replace(crystal, omega=ramp),)))[0].crystal
    assert_allclose(found.A, truth.crystal.A, atol=1e-12)
    turns = found.A_at_scan_points @ np.linalg.inv(truth.crystal.A)
    angle = turns[:, 2, 1]
    assert_allclose(angle, -angle[::-1], atol=1e-12)
    assert_allclose(np.diff(angle), angle[1] - angle[0], rtol=1e-4)


def test_uncertainties_of_a_cubic_cell_are_those_of_its_one_strain():
    """E = s I / sqrt(3): a = a0 / (1 + s / sqrt(3)), so that sigma(a) = a sigma(s) / sqrt(3)."""
    model = crystal_model(
        Crystal(TURN @ b_matrix((78.0,) * 3 + (90.0,) * 3), gemmi.SpaceGroup("I 2 3")), SplineSmoother(9, 0)
    )
    esd, by_B = cell_uncertainty(model, np.zeros(1), np.array([[1e-8]]))
    assert_allclose(esd[:3], 78.0 * 1e-4 / np.sqrt(3), rtol=1e-6)
    assert esd[3:] == (0, 0, 0)
    assert_allclose(by_B, 1e-8 / 3 * np.outer(model.B.ravel(), model.B.ravel()), rtol=1e-6, atol=1e-18)


def test_uncertainties_of_a_triclinic_cell_are_the_scatter_of_cells_drawn():
    model = crystal_model(Crystal(TURN @ b_matrix((38, 47, 55, 82, 95, 101))), SplineSmoother(9, 0))
    rng = np.random.default_rng(0)
    root = 1e-4 * rng.normal(size=(6, 6))
    esd, by_B = cell_uncertainty(model, np.zeros(6), root @ root.T)
    drawn = [
        Crystal((np.eye(3) + np.tensordot(s, model.strains, axes=1)) @ model.B)
        for s in rng.normal(size=(1000, 6)) @ root.T
    ]
    assert_allclose(np.std([d.cell for d in drawn], axis=0), esd, rtol=0.08)
    scatter = np.cov(np.array([d.B.ravel() for d in drawn]).T)
    assert_allclose(by_B, scatter, atol=0.12 * np.abs(scatter).max())
