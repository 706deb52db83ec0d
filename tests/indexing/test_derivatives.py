"""Every derivative of indexing's least squares, against differences of the residuals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation
from synthetic_spots import setting, spots_of, sweep

from autoproc.geometry.rotation import GENERATORS
from autoproc.indexing import least_squares, reciprocal_spots
from autoproc.indexing.assign import Assignment
from autoproc.indexing.least_squares import MIN_ZETA, N_MOVES, TUKEY, _Block, _linearise, _robust_weights, refine_model
from autoproc.indexing.model import Model, model_of
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.models.experiment import Beam, Goniometer

CELL = (60.0, 70.0, 80.0, 82.0, 95.0, 101.0)
NINE = np.eye(9).reshape(9, 3, 3)
STEP = 1e-6


@pytest.fixture(scope="module")
def exact():
    """A sweep with every axis askew, its true setting, and spots without errors."""
    fixed, outer = Rotation.from_euler("xyz", [[0.2, 0.5, -0.3], [0.1, -0.2, 0.3]]).as_matrix()
    one = replace(
        sweep(n_images=60, size=600), goniometer=Goniometer(np.array([0.8, 0.6, 0.0]), fixed, outer),
        beam=Beam(1.0, direction=np.array([0.02, -0.03, 1.0]) / np.linalg.norm([0.02, -0.03, 1.0])),
    )  # fmt: skip
    A = setting(CELL, 1)
    table = spots_of(one, A, 4.0, noise_px=0, noise_frames=0)
    return model_of([one]).with_settings([A]), spots_in_reciprocal_space([one], table), table["hkl"]


def block(model: Model, spots, hkl, modes=NINE) -> _Block:
    placed = model.placed(spots)
    every = np.arange(len(spots))
    return _linearise(model.moved_sweeps()[0], model.turn_matrices()[0], model.settings[0], modes, placed, every, hkl)


def steep(found: _Block) -> np.ndarray:
    return np.abs(found.zeta) > 0.2


def slope(exact, change) -> np.ndarray:
    """(n, 3) change of the residuals with a parameter, of all spots that are not near the spindle."""
    model, spots, hkl = exact
    ahead, behind = (block(change(model, h), spots, hkl).residual for h in (STEP, -STEP))
    return (ahead - behind) / (2 * STEP)


def agrees(found: np.ndarray, expected: np.ndarray, rows: np.ndarray) -> None:
    assert rows.sum() > 100
    scale = np.abs(expected[rows]).max()
    assert_allclose(found[rows] / scale, expected[rows] / scale, atol=2e-5)


def test_true_models_leave_no_residuals(exact):
    found = block(*exact)
    assert np.abs(found.residual[steep(found)]).max() < 1e-6
    assert np.abs(found.zeta).min() > MIN_ZETA


@pytest.mark.parametrize("n", range(9))
def test_by_the_setting(exact, n):
    def change(model, h):
        return model.with_settings([(np.eye(3) + h * NINE[n]) @ model.settings[0]])

    found = block(*exact)
    agrees(found.derivatives[:, :, n], slope(exact, change), steep(found))


@pytest.mark.parametrize("n", range(N_MOVES))
def test_by_the_detector_and_its_beam(exact, n):
    def change(model, h):
        return replace(model, moves=model.moves + h * np.eye(N_MOVES)[n])

    found = block(*exact)
    agrees(found.derivatives[:, :, 9 + n], slope(exact, change), steep(found))


@pytest.mark.parametrize("n", range(3))
def test_by_the_turn_of_the_crystal(exact, n):
    def change(model, h):
        return replace(model, turns=model.turns + h * np.eye(3)[n])

    found = block(*exact)
    agrees(found.derivatives[:, :, 9 + N_MOVES + n], slope(exact, change), steep(found))


def test_modes_are_combinations_of_the_nine(exact):
    combined = block(*exact, modes=GENERATORS)
    whole = block(*exact)
    expected = np.einsum("nam,km->nak", whole.derivatives[:, :, :9], GENERATORS.reshape(3, 9))
    assert_allclose(combined.derivatives[:, :, :3], expected, atol=1e-9)


@pytest.mark.parametrize("zeta", [1.0, -0.5])
def test_weights_are_tukeys_about_the_median(zeta):
    rng = np.random.default_rng(0)
    sigma = np.tile([0.1, 0.2, 0.004], (400, 1))
    spread = sigma / [1, 1, abs(zeta)]
    residual = 3 * spread * rng.normal(size=(400, 3)) + [5.0, -1.0, 0.3]
    residual[7] += [9.0, 0, 0]
    scale, weight = _robust_weights(residual, np.full(400, zeta), sigma)
    assert_allclose(scale, 3 * spread, rtol=0.15)
    centre = np.median(residual / spread, axis=0)
    u = (residual / spread - centre) / (TUKEY * scale / spread)
    expected = np.prod(np.where(np.abs(u) < 1, (1 - u**2) ** 2, 0), axis=1)
    assert_allclose(weight, expected, atol=1e-12)
    assert weight[7] == 0
    assert weight.max() > 0.9


def test_exact_residuals_have_the_least_scale_and_none_no_weights():
    scale, weight = _robust_weights(np.zeros((9, 3)), np.ones(9), np.ones((9, 3)))
    assert_allclose(scale, [[1e-4, 1e-4, 1e-6]] * 9)
    assert_allclose(weight, 1)
    scale, weight = _robust_weights(np.zeros((0, 3)), np.ones(0), np.ones((0, 3)))
    assert (scale.shape, weight.shape) == ((0, 3), (0,))


@pytest.mark.parametrize("move_detector", [True, False])
def test_a_fit_block_by_block_is_that_of_all_at_once(exact, move_detector, monkeypatch):
    model, spots, hkl = exact
    lattice = np.where(np.arange(len(spots)) % 5 == 0, -1, 0)
    off = model.with_settings([model.settings[0] * 1.001])
    fits = []
    for size in (len(spots), 64):
        monkeypatch.setattr(reciprocal_spots, "BLOCK", size)
        monkeypatch.setattr(least_squares, "BLOCK", size)
        fits.append(refine_model(off, spots, Assignment(lattice, hkl), n_cycles=2, move_detector=move_detector))
    at_once, blocks = fits
    assert_array_equal(blocks.used, at_once.used)
    assert_allclose(blocks.residuals, at_once.residuals, atol=1e-12)
    assert_allclose(blocks.weight, at_once.weight, atol=1e-6)
    assert_allclose(blocks.model.settings[0], at_once.model.settings[0], rtol=1e-12, atol=1e-15)
    assert_allclose(blocks.covariances[0], at_once.covariances[0], rtol=1e-6, atol=1e-20)


def test_spots_placed_block_by_block_are_where_they_are(exact, monkeypatch):
    model, spots, _ = exact
    at_once = model.placed(spots)
    monkeypatch.setattr(reciprocal_spots, "BLOCK", 37)
    blocks = model.placed(spots)
    for name in ("s1", "rlp", "d", "smear"):
        assert_allclose(getattr(blocks, name), getattr(at_once, name), rtol=1e-12, atol=1e-15)
