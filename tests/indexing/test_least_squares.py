from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from synthetic_spots import beam_shifted, random_spots, setting, spots_of, sweep

from autoproc.indexing.assign import Assignment
from autoproc.indexing.least_squares import refine_model
from autoproc.indexing.model import model_of
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.indexing.settings import allowed_modes
from autoproc.indexing.uncertainty import cell_esd
from autoproc.models.crystal import cell_from_real_matrix
from autoproc.models.reflections import Reflections

CELL = (60.0, 70.0, 80.0, 90.0, 95.0, 90.0)


def truth(spots: Reflections, lattice: int = 0) -> Assignment:
    return Assignment(np.full(len(spots), lattice), spots["hkl"])


def cell_of(A):
    return np.array(cell_from_real_matrix(np.linalg.inv(A)))


def perturbed(A, seed=0, size=2e-3):
    return (np.eye(3) + np.random.default_rng(seed).normal(size=(3, 3)) * size) @ A


def test_exact_positions_give_the_exact_lattice():
    e, A = sweep(n_images=60), setting(CELL, 1)
    spots = spots_of(e, A, 3.0, noise_px=0, noise_frames=0)
    start = model_of([e]).with_settings([perturbed(A)])
    fit = refine_model(start, spots_in_reciprocal_space([e], spots), truth(spots), n_cycles=8)
    np.testing.assert_allclose(fit.model.settings[0], A, atol=1e-8)
    assert np.abs(fit.residuals).max() < 1e-5


def test_residuals_are_calculated_minus_observed():
    e, A = sweep(n_images=60), setting(CELL, 1)
    spots = spots_of(e, A, 3.0, noise_px=0, noise_frames=0)
    shifted = spots.replace(xyz_obs_px=spots["xyz_obs_px"] + (0.02, -0.03, 0.04))
    fit = refine_model(
        model_of([e]).with_settings([A]), spots_in_reciprocal_space([e], shifted), truth(spots), n_cycles=0
    )
    px, width = e.detector[0].pixel_size[0], np.radians(e.scan.oscillation[1])
    expected = (-0.02 * px, 0.03 * px, -0.04 * width)
    np.testing.assert_allclose(np.median(fit.residuals, axis=0), expected, rtol=0.02)


def test_a_wrong_header_is_put_right():
    e, A = sweep(n_images=120), setting(CELL, 1)
    spots = spots_of(e, A, 2.5)
    wrong = beam_shifted(e, (2.0, -1.5))
    far = wrong.detector[0].origin - (0, 0, 1.0)
    wrong = replace(wrong, detector=replace(wrong.detector, panels=(replace(wrong.detector[0], origin=far),)))
    start = model_of([wrong]).with_settings([A])
    fit = refine_model(start, spots_in_reciprocal_space([wrong], spots), truth(spots), n_cycles=8)
    moved = fit.model.moved_sweeps()[0]
    assert moved.detector[0].distance == pytest.approx(150.0, abs=0.05)
    np.testing.assert_allclose(cell_of(fit.model.settings[0]), CELL, rtol=3e-4)
    assert fit.rms[0] < 0.12 * 0.172


def test_outliers_do_not_count():
    e, A = sweep(n_images=60), setting(CELL, 1)
    spots = spots_of(e, A, 3.0)
    wrong = random_spots(e, len(spots) // 4)
    both = Reflections.concatenate([spots, wrong])
    observed = spots_in_reciprocal_space([e], both)
    nearest = np.rint(observed.rlp @ np.linalg.inv(A).T).astype(int)
    assigned = Assignment(np.zeros(len(both), int), nearest)
    fit = refine_model(model_of([e]).with_settings([perturbed(A, size=1e-3)]), observed, assigned, n_cycles=8)
    np.testing.assert_allclose(cell_of(fit.model.settings[0]), CELL, rtol=3e-4)
    is_outlier = np.isin(fit.used[fit.weight == 0], np.arange(len(spots), len(both)))
    assert is_outlier.mean() > 0.8


def test_symmetry_is_kept():
    e = sweep(n_images=60)
    group = gemmi.SpaceGroup("P 4")
    A = setting((60.0, 60.0, 80.0, 90, 90, 90), 1)
    spots = spots_of(e, setting((60.1, 60.1, 80.3, 90, 90, 90), 1), 3.0)
    start = model_of([e]).with_settings([A])
    fit = refine_model(
        start, spots_in_reciprocal_space([e], spots), truth(spots), [allowed_modes(A, group)], n_cycles=6
    )
    cell = cell_of(fit.model.settings[0])
    np.testing.assert_allclose(cell, (60.1, 60.1, 80.3, 90, 90, 90), rtol=3e-4)
    assert cell[0] == pytest.approx(cell[1], abs=1e-4)


def test_sweeps_have_orientations_of_their_own():
    """A goniometer that brings the crystal back 0.3 degrees wrong on the second of two sweeps."""
    first, second = sweep(n_images=60), sweep(n_images=60, start=60.0)
    A = setting(CELL, 1)
    turn = Rotation.from_rotvec(np.radians(0.3) * np.array([0.6, 0.8, 0.0])).as_matrix()
    spots = Reflections.concatenate([spots_of(first, A, 3.0), spots_of(second, turn @ A, 3.0, sweep_id=1)])
    fit = refine_model(
        model_of([first, second]).with_settings([A]),
        spots_in_reciprocal_space([first, second], spots),
        truth(spots),
        n_cycles=6,
    )
    turns = fit.model.turn_matrices()
    between = Rotation.from_matrix(turns[1] @ turns[0].T).magnitude()
    assert np.degrees(between) == pytest.approx(0.3, abs=0.02)
    np.testing.assert_allclose(cell_of(fit.model.settings[0]), CELL, rtol=5e-4)


def test_shared_detectors_stay_shared():
    e = sweep()
    model = model_of([e, replace(e), sweep()])
    assert model.moves.shape[0] == 2
    moved = model.moved_sweeps()
    assert moved[0].detector is moved[1].detector
    assert moved[2].detector is not moved[0].detector


def test_uncertainties_are_those_of_repeated_measurements():
    e, A = sweep(n_images=40, size=600), setting(CELL, 1)
    cells, esds = [], []
    for seed in range(12):
        spots = spots_of(e, A, 3.5, seed=seed)
        fit = refine_model(
            model_of([e]).with_settings([A]), spots_in_reciprocal_space([e], spots), truth(spots), n_cycles=3
        )
        cells.append(cell_of(fit.model.settings[0]))
        esds.append(cell_esd(fit.model.settings[0], fit.covariances[0]))
    ratio = np.std(cells, axis=0, ddof=1) / np.mean(esds, axis=0)
    assert np.all((ratio > 0.5) & (ratio < 2.0)), ratio


def test_no_spots_leave_the_model_as_it_is():
    e, A = sweep(), setting(CELL, 1)
    spots = random_spots(e, 5)
    nothing = Assignment(np.full(5, -1), np.zeros((5, 3), int))
    fit = refine_model(model_of([e]).with_settings([A]), spots_in_reciprocal_space([e], spots), nothing)
    np.testing.assert_array_equal(fit.model.settings[0], A)
    assert np.isnan(fit.rms).all()
