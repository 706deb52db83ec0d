from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.scaling.gaussian_smoother import GaussianSmoother, smoother_for_range, weighted_sum


def slow_value(n_intervals: int, parameters: np.ndarray, x: float) -> float:
    """The three nearest parameters, Gaussian weights exp(-(dx / 0.7)^2): what DIALS does, spelt out."""
    where = np.arange(n_intervals + 1.0) if n_intervals < 3 else np.arange(n_intervals + 2.0) - 0.5
    nearest = sorted(range(len(where)), key=lambda i: abs(where[i] - x))[:3]
    weight = np.exp(-(((where[nearest] - x) / 0.7) ** 2))
    return float(weight @ parameters[nearest] / weight.sum())


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_value_is_the_weighted_mean_of_the_three_nearest_parameters(n):
    random = np.random.default_rng(n)
    smoother, x = GaussianSmoother(n), random.uniform(0, n, 40)
    parameters = random.normal(size=smoother.n_parameters)
    index, weight = smoother.weights(x)
    found = (parameters[index] * weight).sum(axis=1)
    np.testing.assert_allclose(found, [slow_value(n, parameters, v) for v in x], atol=1e-12)


@pytest.mark.parametrize(
    ("n", "positions"),
    [(1, [0, 1]), (2, [0, 1, 2]), (3, [-0.5, 0.5, 1.5, 2.5, 3.5]), (4, [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5])],
)
def test_parameters_stand_where_those_of_dials_do(n, positions):
    assert GaussianSmoother(n).positions.tolist() == positions
    assert GaussianSmoother(n).n_parameters == len(positions)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_the_curve_turned_round_is_that_of_the_parameters_turned_round(n):
    random = np.random.default_rng(n)
    smoother, x = GaussianSmoother(n), random.uniform(0, n, 40)
    p = random.normal(size=smoother.n_parameters)
    (i, w), (j, v) = smoother.weights(x), smoother.weights(n - x)
    np.testing.assert_allclose((p[i] * w).sum(axis=1), (p[::-1][j] * v).sum(axis=1), atol=1e-9)


@given(width=st.floats(0.1, 720), spacing=st.floats(0.5, 30))
def test_intervals_are_no_longer_than_asked_and_no_more_than_needed(width, spacing):
    n = smoother_for_range(width, spacing).n_intervals
    assert width / n <= spacing * (1 + 1e-5)
    assert n == 1 or width / (n - 1) > spacing * (1 - 1e-5)


def test_a_whole_number_of_spacings_needs_no_interval_more_for_rounding():
    assert smoother_for_range(3 * 0.1, 0.1).n_intervals == 3  # 0.30000000000000004 / 0.1


@pytest.mark.parametrize("n_intervals", [1, 2, 5])
def test_weighted_sums_are_the_values_of_the_curve(n_intervals):
    smoother = GaussianSmoother(n_intervals)
    parameters, x = np.random.default_rng(2).normal(size=smoother.n_parameters), np.linspace(0, n_intervals, 50)
    index, weight = smoother.weights(x)
    np.testing.assert_allclose(weighted_sum(parameters, index, weight), smoother.values(x, parameters), rtol=1e-13)
    np.testing.assert_array_equal(weighted_sum(parameters, index, weight), (parameters[index] * weight).sum(axis=1))


def test_a_term_that_is_left_out_is_zero():
    np.testing.assert_array_equal(weighted_sum(np.zeros(0), np.zeros((4, 0), int), np.zeros((4, 0))), np.zeros(4))
