"""Real spherical harmonics, against scipy's complex ones and against their own orthogonality."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import sph_harm_y

from autoproc.kernels.harmonics import MAX_DEGREE, mean_harmonics, mean_series


def directions(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def by_scipy(u: np.ndarray, lmax: int) -> np.ndarray:
    """sqrt(2) times the real part of Y(l, m), the imaginary one for -m, without the phase of Condon and Shortley."""
    polar, azimuth = np.arccos(u[:, 2]), np.arctan2(u[:, 1], u[:, 0])
    columns = []
    for degree in range(1, lmax + 1):
        for m in range(-degree, degree + 1):
            y = sph_harm_y(degree, abs(m), polar, azimuth) * (-1.0) ** m
            columns.append(y.real if m == 0 else np.sqrt(2) * (y.real if m > 0 else y.imag))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("lmax", [1, 2, 4, MAX_DEGREE])
def test_harmonics_are_those_of_scipy(lmax):
    u = np.concatenate([directions(20), np.eye(3), -np.eye(3)])
    assert_allclose(mean_harmonics(u, u, lmax), by_scipy(u, lmax), atol=1e-12)


def test_of_two_directions_the_mean_is_taken():
    first, second = directions(9, 1), directions(9, 2)
    assert_allclose(mean_harmonics(first, second, 6), (by_scipy(first, 6) + by_scipy(second, 6)) / 2, atol=1e-12)


def test_a_series_is_the_sum_of_its_terms():
    first, second = directions(9, 1), directions(9, 2)
    coefficients = np.random.default_rng(3).normal(size=80)
    expected = mean_harmonics(first, second, 8) @ coefficients
    assert_allclose(mean_series(first, second, 8, coefficients), expected, atol=1e-12)


def test_no_degree_is_a_constant_and_no_direction_nothing():
    u = directions(3)
    assert mean_harmonics(u, u, 0).shape == (3, 0)
    assert mean_series(u, u, 0, np.zeros(0)).tolist() == [0, 0, 0]
    assert mean_harmonics(u[:0], u[:0], 4).shape == (0, 24)


@pytest.mark.parametrize("lmax", [-1, MAX_DEGREE + 1])
def test_other_degrees_are_refused(lmax):
    with pytest.raises(ValueError, match="expected 0 to"):
        mean_harmonics(directions(2), directions(2), lmax)


def test_shapes_that_do_not_agree_are_refused():
    with pytest.raises(ValueError, match="directions is of shape"):
        mean_harmonics(directions(3), directions(2), 2)
    with pytest.raises(ValueError, match="directions is of shape"):
        mean_harmonics(np.ones(3), np.ones(3), 2)
    with pytest.raises(ValueError, match="coefficients is of shape"):
        mean_series(directions(3), directions(3), 2, np.zeros(7))
