from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.refinement.outliers import mcd_outliers, minimum_covariance_determinant, tukey_outliers

COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 2.0, -0.03], [0.0, -0.03, 0.01]])


def normal(n, seed=0):
    return np.random.default_rng(seed).multivariate_normal([0.5, -1, 0.2], COVARIANCE, n)


@pytest.mark.parametrize("n", [200, 5000])
def test_normal_data_lose_what_the_quantile_says(n):
    lost = mcd_outliers(normal(n), 0.975).mean()
    assert 0.005 < lost < 0.05


def test_covariance_of_normal_data():
    centre, covariance = minimum_covariance_determinant(normal(20000))
    np.testing.assert_allclose(centre, [0.5, -1, 0.2], atol=0.03)
    np.testing.assert_allclose(covariance, COVARIANCE, atol=0.1)


@pytest.mark.parametrize("where", [(8.0, 8.0, 0.0), (0.0, 0.0, 1.5), (50.0, -20.0, 3.0)])
def test_cluster_of_40_percent_is_found(where):
    good = normal(600)
    bad = np.random.default_rng(1).normal(where, 0.3, (400, 3))
    flagged = mcd_outliers(np.concatenate([good, bad]))
    assert flagged[600:].mean() > 0.98
    assert flagged[:600].mean() < 0.08


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_and_units_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([normal(150, seed), rng.normal(6, 2, (50, 3))])
    order = rng.permutation(200)
    flagged = mcd_outliers(values)
    np.testing.assert_array_equal(mcd_outliers(values[order] * [1e3, 1e-3, 57.3]), flagged[order])


def test_few_or_constant_values_do_not_break():
    assert not mcd_outliers(np.zeros((100, 3))).any()
    assert mcd_outliers(np.array([[0.0, 0, 0]] * 9 + [[5.0, 0, 0]])).tolist() == [False] * 9 + [True]


def test_tukey():
    values = np.column_stack([np.linspace(-1, 1, 101)] * 3)
    values[0] = [0, 9, 0]
    assert np.flatnonzero(tukey_outliers(values)).tolist() == [0]
