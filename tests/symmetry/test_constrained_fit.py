from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from synthetic_spots import setting, spots_of, sweep

from autoproc.symmetry.constrained_fit import SpotsToFit, _inliers, fit_constrained, residuals_and_derivatives
from autoproc.symmetry.lattice_symmetry import cell_of, lattice_symmetry

EXPERIMENT = sweep(n_images=60)
TETRAGONAL = (40.0, 40.0, 60.0, 90.0, 90.0, 90.0)


def spots(A: np.ndarray, noise_px: float = 0.05) -> SpotsToFit:
    table = spots_of(EXPERIMENT, A, 3.0, noise_px=noise_px, noise_frames=noise_px, seed=1)
    px, panel = table["xyz_obs_px"], EXPERIMENT.detector[0]
    position = np.column_stack([px[:, :2] * panel.pixel_size, EXPERIMENT.scan.phi_at(px[:, 2])])
    width = np.radians(EXPERIMENT.scan.oscillation[1])
    weight = np.tile([panel.pixel_size[0] ** -2.0, panel.pixel_size[1] ** -2.0, width**-2.0], (len(px), 1))
    return SpotsToFit(table["hkl"].astype(int), position, weight, np.zeros(len(px), int))


@pytest.fixture(scope="module")
def perfect() -> tuple[np.ndarray, SpotsToFit]:
    A = setting(TETRAGONAL, seed=3)
    return A, spots(A, noise_px=1e-6)


def test_perfect_spots_are_predicted_where_they_are(perfect):
    A, of = perfect
    residuals, _ = residuals_and_derivatives(EXPERIMENT, A, of)
    assert len(of) > 200
    assert np.nanmax(np.abs(residuals)) < 1e-5


def test_gradient_is_that_of_finite_differences(perfect):
    """d(x, y, phi) / d(A h) for changes of A h in the crystal's frame, on slightly wrong positions."""
    A, of = perfect
    of = of[np.arange(0, len(of), 7)]
    _, gradient = residuals_and_derivatives(EXPERIMENT, A, of)
    step = 1e-7
    for column in range(3):
        change = np.zeros((len(of), 3))
        change[:, column] = step
        moved = [_predicted(A, of, sign * change) for sign in (1, -1)]
        numeric = (moved[0] - moved[1]) / (2 * step)
        good = np.isfinite(numeric).all(axis=1) & (np.abs(gradient).max(axis=(1, 2)) < 1e4)
        np.testing.assert_allclose(gradient[good, :, column], numeric[good], rtol=2e-3, atol=0.5)


def _predicted(A: np.ndarray, of: SpotsToFit, change: np.ndarray) -> np.ndarray:
    """Positions of reflections whose vectors A h are moved: through fractional indices of A."""
    moved = SpotsToFit(of.hkl + change @ np.linalg.inv(A).T, of.position, of.weight, of.panel)
    return of.position - residuals_and_derivatives(EXPERIMENT, A, moved)[0]


def test_a_misset_lattice_of_another_cell_comes_back(perfect):
    A, of = perfect
    wrong = Rotation.from_rotvec([0.004, -0.003, 0.002]).as_matrix() @ A @ np.diag([1.002, 1.002, 0.998])
    rotations = lattice_symmetry(TETRAGONAL, 1.0).rotations
    fit = fit_constrained(EXPERIMENT, wrong, of, rotations)
    np.testing.assert_allclose(fit.A, A, atol=1e-8)
    assert fit.used.mean() > 0.95


@pytest.mark.parametrize(("symmetric", "held"), [(True, True), (False, False)])
def test_the_cell_obeys_its_rotations_and_otherwise_is_free(symmetric, held):
    """Spots of a = 40, b = 40.2: under a four-fold both become one, without it they come back."""
    A = setting((40.0, 40.2, 60.0, 90.0, 90.0, 90.0), seed=4)
    rotations = lattice_symmetry(TETRAGONAL, 1.0).rotations if symmetric else np.eye(3, dtype=int)[None]
    fit = fit_constrained(EXPERIMENT, A, spots(A), rotations)
    inverse = np.linalg.inv(fit.A)
    a, b, c, *angles = cell_of(inverse @ inverse.T)
    if held:
        assert a == pytest.approx(b, rel=1e-9)
        assert a == pytest.approx(40.1, abs=0.05)
        assert angles == pytest.approx([90.0] * 3, abs=1e-6)
    else:
        assert (a, b, c) == pytest.approx((40.0, 40.2, 60.0), abs=0.02)


def test_inliers_are_within_so_many_robust_deviations_of_the_median():
    random = np.random.default_rng(5)
    residuals = random.normal([3.0, 0.0, -1.0], [0.1, 1.0, 0.01], size=(2000, 3))
    residuals[0] = [3.0, 0.0, np.nan]
    residuals[1:4] += np.diag([0.45, 4.5, 0.045])
    residuals[1:4] -= residuals[1:4] - np.array([3.0, 0.0, -1.0]) - np.diag([0.45, 4.5, 0.045])
    residuals[4:7] = np.array([3.0, 0.0, -1.0]) + np.diag([0.35, 3.5, 0.035])
    found = _inliers(residuals, 4.0)
    assert found[:7].tolist() == [False] * 4 + [True] * 3
    assert found.mean() > 0.99
    assert not _inliers(np.full((5, 3), np.nan), 4.0).any()
