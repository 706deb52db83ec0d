"""Reference profiles: the spline that holds them, and what is learnt from few spots and many."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline

from autoproc.integration import profiles
from autoproc.integration.profiles import (
    GRID_SIZE,
    HALF_RANGE,
    SPACING,
    DetectorRegions,
    Equations,
    FittedProfiles,
    gaussian_coefficients,
    solve_profiles,
)

SIZE = GRID_SIZE**2


def basis(points: np.ndarray) -> np.ndarray:
    """(points, G) cubic B-splines about equally spaced centres, as scipy has them."""
    centres = (np.arange(GRID_SIZE) - (GRID_SIZE - 1) / 2) * SPACING
    spline = BSpline.basis_element(np.arange(-2.0, 3.0) * SPACING, extrapolate=False)
    return np.nan_to_num(np.stack([spline(points - c) for c in centres], axis=1))


def density(coefficients: np.ndarray, points: np.ndarray) -> np.ndarray:
    return basis(points) @ coefficients @ basis(points).T


FINE = np.linspace(-HALF_RANGE, HALF_RANGE, 801)[:-1] + HALF_RANGE / 800


def integral(coefficients: np.ndarray) -> float:
    return float(density(coefficients, FINE).sum() * (FINE[1] - FINE[0]) ** 2)


def test_the_grid_covers_the_range_to_its_ends():
    """With three coefficients beyond a piece of the cubic everywhere, the basis adds up to one."""
    assert_allclose(basis(FINE).sum(axis=1), 1, atol=1e-12)


def test_the_gaussian_has_unit_width_and_unit_flux():
    points = np.linspace(-3, 3, 25)
    expected = np.exp(-0.5 * (points[:, None] ** 2 + points**2)) / (2 * np.pi)
    assert_allclose(density(gaussian_coefficients(), points), expected, atol=1.5e-3)
    assert integral(gaussian_coefficients()) == pytest.approx(1, abs=1e-4)
    second = density(gaussian_coefficients(), FINE).sum(axis=1) @ FINE**2 * (FINE[1] - FINE[0]) ** 2
    assert second == pytest.approx(1, abs=5e-3)


def taught(coefficients: np.ndarray, weight: float, n_spots: int) -> Equations:
    """One region that has seen every coefficient with some weight."""
    normal = weight * np.eye(SIZE)
    return Equations(normal[None], (normal @ coefficients.ravel())[None], np.array([n_spots]))


def wide_profile() -> np.ndarray:
    centres = (np.arange(GRID_SIZE) - 6) * SPACING
    shape = np.exp(-0.5 * (centres[:, None] ** 2 / 2.5 + centres**2))
    return shape / integral(shape)


def test_without_spots_the_profile_is_the_gaussian():
    found = solve_profiles(Equations.empty(3), 10)
    assert found.shape == (3, GRID_SIZE, GRID_SIZE)
    for one in found:
        assert_allclose(one, gaussian_coefficients(), atol=1e-12)


def test_many_spots_outweigh_the_prior():
    wide = wide_profile()
    assert_allclose(solve_profiles(taught(wide, 1e9, 50), 10)[0], wide, atol=1e-5)


@pytest.mark.parametrize("weight", [1.0, 1e3, 1e5])
def test_data_and_prior_are_averaged_by_their_weights(weight):
    """The prior of a coefficient has a standard deviation of 0.3 of the Gaussian's and 0.02 of the largest."""
    wide, gaussian = wide_profile(), gaussian_coefficients()
    prior = (0.3 * np.abs(gaussian) + 0.02 * gaussian.max()) ** -2
    mean = (weight * wide + prior * gaussian) / (weight + prior)
    assert_allclose(solve_profiles(taught(wide, weight, 50), 10)[0], mean / integral(mean), rtol=1e-4, atol=1e-6)


def test_a_region_with_few_spots_takes_those_of_all():
    few, many = taught(gaussian_coefficients(), 1e6, 9), taught(wide_profile(), 1e8, 10)
    both = Equations(*(np.concatenate([getattr(few, n), getattr(many, n)]) for n in ("normal", "right", "n_spots")))
    poor, rich = solve_profiles(both, 10)
    assert_allclose(rich, solve_profiles(many, 10)[0], atol=1e-12)
    assert_allclose(poor, solve_profiles(Equations.sum_of([few, many]), 10)[0], atol=1e-12)
    assert np.abs(poor - rich).max() > 1e-4
    assert Equations.sum_of([few, many]).n_spots.tolist() == [19]


def test_regions_are_tiles_of_the_detector():
    regions = DetectorRegions((90, 60), 3)
    assert regions.count == 9
    for fast in (0.0, 19.9, 20.1, 59.9):
        for slow in (0.0, 29.9, 30.1, 61.0, 89.0):
            expected = int(slow // 30) * 3 + int(fast // 20)
            assert regions.of(np.array([[fast, slow]])).tolist() == [expected]
    assert regions.of(np.array([[-2.0, 95.0], [70.0, -1.0]])).tolist() == [6, 2]


def test_a_profile_at_points_is_its_spline_there_and_nowhere_below_zero():
    chance = np.random.default_rng(5)
    coefficients = chance.normal(size=(GRID_SIZE, GRID_SIZE))
    points = chance.uniform(-1.3 * HALF_RANGE, 1.3 * HALF_RANGE, (200, 2))
    whole = np.sum(basis(points[:, 1]) @ coefficients * basis(points[:, 0]), axis=1)
    expected = np.where((np.abs(points) <= HALF_RANGE).all(axis=1), np.maximum(whole, 0), 0)
    assert_allclose(profiles.density(coefficients, points), expected, atol=1e-12)
    assert (expected > 0).sum() > 20


@pytest.mark.parametrize(
    ("lattice", "centre", "expected"),
    [
        (0, (10, 10, 0.0), (0, 0)),
        (0, (90, 10, 4.0), (0, 1)),  # fast is the inner of the two
        (0, (10, 190, 4.1), (1, 2)),
        (1, (90, 190, 8.0), (1, 7)),
        (1, (90, 190, 99.0), (1, 7)),  # beyond the last reflection
        (2, (10, 10, 0.0), None),
        (-1, (10, 10, 0.0), None),
    ],
)
def test_a_reflection_has_the_profile_of_its_block_lattice_and_region(lattice, centre, expected):
    coefficients = np.zeros((2, 8, GRID_SIZE, GRID_SIZE), np.float32)
    coefficients += np.arange(16).reshape(2, 8, 1, 1)
    fitted = FittedProfiles(DetectorRegions((200, 100), 2), np.array([4.0, 8.0]), coefficients)
    found = fitted.of(lattice, np.array(centre, float))
    assert (found is None) == (expected is None)
    if found is not None:
        assert divmod(int(found[0, 0]), 8) == expected
