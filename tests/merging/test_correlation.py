from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from autoproc.merging import correlation
from autoproc.merging.correlation import (
    MIN_PAIRS,
    N_SPLITS,
    HalfSets,
    _by_group_and_intensity,
    _mean_correlation,
    half_set_correlations,
    half_set_means,
    is_significant,
)
from autoproc.merging.groups import EquivalentGroups, group_equivalents


def repeated(sizes: list[int], noise: float, seed: int = 0) -> tuple[EquivalentGroups, np.ndarray, np.ndarray]:
    """Groups of so many observations of I(+), true intensities of variance 1 and errors of `noise`."""
    random = np.random.default_rng(seed)
    hkl = np.repeat([[n + 1, 1, 1] for n in range(len(sizes))], sizes, axis=0)
    true = random.exponential(1.0, len(sizes))
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), hkl)
    value = true[groups.group] + noise * random.normal(size=len(hkl))
    return groups, value, np.full(len(hkl), max(noise, 0.1))


def test_halves_are_of_the_group_and_add_up_to_it():
    groups, value, sigma = repeated([2, 4, 6, 8] * 5, 0.5)
    halves = half_set_correlations(groups, value, sigma)
    assert halves.first.shape == (N_SPLITS, 20)
    mean = groups.sum(value) / groups.count
    np.testing.assert_allclose((halves.first + halves.second) / 2, np.tile(mean, (N_SPLITS, 1)))
    assert not np.allclose(halves.first[0], halves.first[1])


def test_an_odd_one_goes_to_either_half():
    """Of groups of three, halves are means of one or of two observations; which is by chance."""
    random = np.random.default_rng(1)
    groups, _, sigma = repeated([3] * 400, 0.0)
    value = random.permuted(np.tile([0.0, 1.0, 10.0], (400, 1)), axis=1).ravel()
    halves = half_set_correlations(groups, value, sigma)
    single = np.isin(halves.first, [0.0, 1.0, 10.0])
    assert 0.45 < single.mean() < 0.55
    pair = np.where(single, halves.second, halves.first)
    assert set(np.unique(pair)) == {0.5, 5.0, 5.5}
    three = np.where(single, halves.first, halves.second) + 2 * pair
    np.testing.assert_allclose(three, 11.0)


def test_halves_are_weighted_by_their_variances():
    groups, _, _ = repeated([4], 0.0)
    value, sigma = np.array([0.0, 0.0, 8.0, 8.0]), np.array([1.0, 1.0, 2.0, 2.0])
    halves = half_set_correlations(groups, value, sigma)
    ways = {(0.0, 8.0), (8.0, 0.0), (8 * 0.25 / 1.25, 8 * 0.25 / 1.25)}
    assert {(round(a, 9), round(b, 9)) for a, b in zip(halves.first[:, 0], halves.second[:, 0], strict=True)} <= ways


def test_single_observations_have_no_halves():
    groups, value, sigma = repeated([1, 2, 1, 2], 0.1)
    halves = half_set_correlations(groups, value, sigma)
    assert np.isnan(halves.first[:, [0, 2]]).all()
    assert np.isfinite(halves.second[:, [1, 3]]).all()
    assert halves.cc_half(np.ones(4, bool)) == (None, 2)


@pytest.mark.parametrize(("noise", "n"), [(1.0, 2), (1.0, 8), (3.0, 8), (0.2, 4)])
def test_cc_half_is_that_of_its_definition(noise, n):
    """CC1/2 = s^2 / (s^2 + e^2), with e^2 the error of the mean of a half (Karplus & Diederichs 2012)."""
    groups, value, sigma = repeated([n] * 3000, noise)
    cc, pairs = half_set_correlations(groups, value, sigma).cc_half(np.ones(3000, bool))
    assert pairs == 3000
    assert cc == pytest.approx(1 / (1 + noise**2 / (n / 2)), abs=0.05)


def test_anomalous_correlation_sees_differences_of_the_hands_alone():
    random = np.random.default_rng(3)
    n = 1500
    plus = np.repeat(np.column_stack([np.arange(1, n + 1), np.ones(n, int), np.ones(n, int)]), 4, axis=0)
    hkl = np.concatenate([plus, -plus])
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), hkl)
    delta = random.normal(size=n)
    size = random.exponential(20.0, n)
    true = np.concatenate([np.repeat(size + delta, 4), np.repeat(size - delta, 4)])
    value = true + random.normal(size=len(true))
    halves = half_set_correlations(groups, value, np.ones(len(true)))
    everything = np.ones(len(groups), bool)
    # differences of means of two: signal 4 delta^2, error 1/2 + 1/2
    assert halves.cc_anom(everything)[0] == pytest.approx(4 / (4 + 1), abs=0.04)
    alike = np.concatenate([np.repeat(size, 4)] * 2) + random.normal(size=len(true))
    same = half_set_correlations(groups, alike, np.ones(len(true)))
    assert abs(same.cc_anom(everything)[0]) < 0.06


def test_centric_reflections_have_no_anomalous_differences():
    hkl = np.repeat([[0, n, 3] for n in range(1, 9)], 4, axis=0) * np.tile([1, 1, -1, -1], 8)[:, None]
    groups = group_equivalents(gemmi.SpaceGroup("P 21 21 21"), hkl)
    halves = half_set_correlations(groups, np.arange(32.0), np.ones(32))
    assert np.isnan(halves.anomalous).all()


def test_order_of_observations_changes_nothing():
    groups, value, sigma = repeated([2, 3, 4, 5] * 10, 0.5)
    order = np.random.default_rng(5).permutation(len(value))
    one, other = (
        half_set_correlations(groups, value, sigma),
        half_set_correlations(groups.subset(order), value[order], sigma[order]),
    )
    np.testing.assert_allclose(one.first, other.first, rtol=1e-12)


def test_correlation_is_pearsons_averaged_over_splits():
    random = np.random.default_rng(6)
    a, b = random.normal(size=(2, N_SPLITS, 30))
    a[:, 4] = b[:, 9] = np.nan
    valid = np.isfinite(a[0]) & np.isfinite(b[0])
    cc, n = _mean_correlation(a, b)
    assert n == 28
    assert cc == pytest.approx(np.mean([pearsonr(x[valid], y[valid]).statistic for x, y in zip(a, b, strict=True)]))
    assert _mean_correlation(np.ones((2, 5)), np.ones((2, 5))) == (None, 5)
    sets = HalfSets(a, b, np.stack([a, b], axis=-1))
    here = np.arange(30) < 15
    assert sets.cc_half(here) == sets.cc_anom(here)
    assert sets.cc_half(here)[1] == 13


@pytest.mark.parametrize("n", [3, 10, 100])
def test_significance_is_that_of_students_t(n):
    """The least correlation whose one-sided p value, by scipy, is 0.01."""
    low, high = 0.0, 1.0
    x = np.arange(n, dtype=float)
    x = (x - x.mean()) / np.linalg.norm(x - x.mean())
    y = np.random.default_rng(n).normal(size=n)
    y -= y.mean() + (y @ x) * x
    y /= np.linalg.norm(y)
    for _ in range(40):
        r = 0.5 * (low + high)
        p = pearsonr(x, r * x + np.sqrt(1 - r * r) * y, alternative="greater").pvalue
        low, high = (r, high) if p > 0.01 else (low, r)
    assert not is_significant(low - 1e-6, n)
    assert is_significant(high + 1e-6, n)


def test_too_few_or_no_correlation_is_not_significant():
    assert not is_significant(1.0, MIN_PAIRS - 1)
    assert not is_significant(None, 1000)
    assert not is_significant(-0.99, 1000)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 65_535, 65_536, 200_000]), st.integers(-3, 3), st.integers(1, 3))),
    st.booleans(),
)
def test_the_order_is_by_group_then_intensity_then_sigma(rows, are_different):
    group, intensity, sigma = np.array(rows, float).reshape(-1, 3).T
    if are_different:
        intensity = intensity + np.random.default_rng(0).permutation(len(rows)) / 1000
    found = _by_group_and_intensity(group.astype(np.intp), intensity, sigma)
    np.testing.assert_array_equal(found, np.lexsort((sigma, intensity, group)))


def test_threads_do_not_change_the_halves(monkeypatch):
    groups, value, sigma = repeated([2, 5, 3, 8] * 30, 0.5)
    alone = half_set_correlations(groups, value, sigma)
    monkeypatch.setattr(correlation, "FEW", 0)
    together = half_set_correlations(groups, value, sigma)
    for name in ("first", "second", "anomalous"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))


def test_halves_are_the_same_without_the_anomalous_ones():
    random = np.random.default_rng(8)
    groups = EquivalentGroups(
        np.zeros((50, 3), np.int32), random.integers(0, 50, 600), random.random(600) < 0.5, np.arange(50) % 5 == 0
    )
    intensity, sigma = random.normal(size=600), random.uniform(0.5, 2, 600)
    both, alone = (half_set_correlations(groups, intensity, sigma, anomalous=wanted) for wanted in (True, False))
    np.testing.assert_array_equal(alone.first, both.first)
    np.testing.assert_array_equal(alone.second, both.second)
    assert np.isnan(alone.anomalous).all()
    assert np.isfinite(both.anomalous).any()


def test_halves_that_are_kept_are_those_of_the_first_split():
    groups, value, sigma = repeated([1, 2, 3, 4, 7] * 20, 0.5)
    kept = half_set_means(groups, value, sigma)
    halves = half_set_correlations(groups, value, sigma)
    np.testing.assert_array_equal(kept[0], halves.first[0])
    np.testing.assert_array_equal(kept[2], halves.second[0])
    np.testing.assert_array_equal(np.isnan(kept).all(axis=0), groups.count == 1)


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 99))
def test_halves_weighted_together_are_the_whole(sizes, seed):
    groups, value, _ = repeated(sizes, 0.5, seed)
    sigma = np.random.default_rng(seed).uniform(0.1, 2.0, len(value))
    first, sigma_first, second, sigma_second = half_set_means(groups, value, sigma)
    mean, sigma_mean = groups.weighted_mean(value, sigma**2)
    several = groups.count > 1
    weights = sigma_first**-2 + sigma_second**-2
    np.testing.assert_allclose(weights[several], sigma_mean[several] ** -2)
    together = (first * sigma_first**-2 + second * sigma_second**-2) / weights
    np.testing.assert_allclose(together[several], mean[several])
