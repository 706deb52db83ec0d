from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import chdtr
from scipy.stats import chi2, rankdata

from autoproc.refinement import outliers
from autoproc.refinement.outliers import (
    _consistency,
    chi_squared_quantile,
    mahalanobis_squared,
    mcd_outliers,
    minimum_covariance_determinant,
    ranks_of,
    tukey_outliers,
)

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


@settings(max_examples=25)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_ranks_are_those_of_scipy(values):
    np.testing.assert_allclose(ranks_of(np.array(values, float)), rankdata(values))


@pytest.mark.parametrize(("probability", "p"), [(0.5, 1), (0.5, 3), (0.975, 2), (0.975, 3)])
def test_quantiles_are_those_of_chi_squared(probability, p):
    assert chi_squared_quantile(probability, p) == pytest.approx(chi2.ppf(probability, p))


@pytest.mark.parametrize("fraction", [0.5, 0.9])
def test_the_central_part_of_a_normal_law_is_made_as_wide_as_the_whole(fraction):
    values = np.random.default_rng(0).normal(size=(40000, 3))
    square = np.sum(values**2, axis=1)
    central = values[square <= np.quantile(square, fraction)]
    assert _consistency(fraction, 3) * central.var() == pytest.approx(1, rel=0.02)
    assert chdtr(3, chi_squared_quantile(fraction, 3)) == pytest.approx(fraction)


def test_distances_are_in_units_of_the_covariance():
    values, centre = normal(20), np.array([0.5, -1, 0.2])
    expected = [v @ np.linalg.solve(COVARIANCE, v) for v in values - centre]
    np.testing.assert_allclose(mahalanobis_squared(values, centre, COVARIANCE), expected)


@pytest.mark.parametrize(("n", "judge"), [(29, tukey_outliers), (30, None)])
def test_thirty_values_are_enough_for_a_covariance(n, judge):
    values = normal(n, 1)
    values[0] += [2.5, -3.5, 0.0]
    by_covariance = mahalanobis_squared(values, *minimum_covariance_determinant(values)) > chi2.ppf(0.975, 3)
    expected = judge(values) if judge else by_covariance
    assert not np.array_equal(tukey_outliers(values), by_covariance)
    np.testing.assert_array_equal(mcd_outliers(values), expected)


def test_fences_stand_off_the_quartiles():
    """Of 0 to 100 the quartiles are 25 and 75: one and a half times 50 beyond them is -50 and 150."""
    values = np.append(np.arange(0.0, 101.0), [-50.0, -56.0, 150.0, 156.0])[:, None]
    low, high = np.percentile(values, [25, 75])
    fences = low - 1.5 * (high - low), high + 1.5 * (high - low)
    expected = (values[:, 0] < fences[0]) | (values[:, 0] > fences[1])
    np.testing.assert_array_equal(tukey_outliers(values), expected)
    assert expected.sum() == 2
    assert not tukey_outliers(values, 5.0).any()


def test_of_many_rows_some_tell_the_spread_and_all_are_judged(monkeypatch):
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2000, 3)) * [1.0, 5.0, 0.1]
    far = rng.random(2000) < 0.1
    values[far] += [20.0, 0, 0]
    whole = outliers.mcd_outliers(values)
    monkeypatch.setattr(outliers, "MAX_FOR_MCD", 300)
    found = outliers.mcd_outliers(values)
    assert found[far].all()
    assert found[~far].mean() < 0.06
    assert 0 < np.count_nonzero(found != whole) < 40
