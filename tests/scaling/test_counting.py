"""Weights that do not follow the chance of the observations they weigh."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.scaling import counting
from autoproc.scaling.counting import likely_intensities, steadied

N, MULTIPLICITY = 6000, 5


def weak_counts(
    seed: int, mean: float, slope: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True intensities of groups (N,), and of each observation value, variance, background and group."""
    random = np.random.default_rng(seed)
    true = mean * random.exponential(1.0, N)
    group = np.repeat(np.arange(N), MULTIPLICITY)
    background = random.uniform(1.0, 3.0, len(group))
    value = random.poisson(true[group] + background) - background
    return true, value, background + slope * np.maximum(value, 0.0) + 0.3, background, group


def weighted(value: np.ndarray, variance: np.ndarray, group: np.ndarray) -> np.ndarray:
    return np.bincount(group, value / variance) / np.bincount(group, 1 / variance)


@pytest.mark.parametrize(("mean", "slope"), [(0.0, 1.0), (1.0, 1.0), (4.0, 1.0), (4.0, 0.5), (100.0, 1.3)])
def test_weighted_means_of_weak_reflections_are_unbiased(mean: float, slope: float) -> None:
    true, value, variance, background, group = weak_counts(1, mean, slope)
    expected = np.maximum(np.bincount(group, value) / MULTIPLICITY, 0.0)[group]
    steady = steadied(value, variance, expected, background, np.ones(len(group), bool))
    error = 0.03 + 0.005 * mean
    assert weighted(value, steady, group).mean() == pytest.approx(true.mean(), abs=error)
    if mean < 100:
        assert weighted(value, variance, group).mean() < true.mean() - 3 * error


def test_variances_are_those_of_the_expected_photons() -> None:
    true, value, variance, background, group = weak_counts(2, 50.0, 1.0)
    steady = steadied(value, variance, true[group], background, np.ones(len(group), bool))
    ratio = steady / (background + true[group] + 0.3)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)
    assert np.percentile(ratio, [1, 99]) == pytest.approx([1.0, 1.0], abs=0.3)


def test_an_outlier_does_not_inflate_its_own_variance() -> None:
    true, value, variance, background, group = weak_counts(3, 20.0, 1.0)
    value[7], variance[7] = 5000.0, 5000.0
    use = np.arange(len(group)) != 7
    steady = steadied(value, variance, true[group], background, use)
    assert 0 < steady[7] < 10 * (true[group[7]] + background[7])


def test_few_observations_keep_their_variances() -> None:
    variance = np.linspace(1, 2, 20)
    kept = steadied(np.ones(20), variance, np.ones(20), np.ones(20), np.ones(20, bool))
    np.testing.assert_array_equal(kept, variance)


def test_likely_intensities_are_drawn_to_the_mean_of_their_resolution() -> None:
    random = np.random.default_rng(4)
    d = random.uniform(2.0, 4.0, 5000)
    true = 10 * random.exponential(1.0, 5000)
    mean = true + random.normal(0, 10.0, 5000)
    likely = likely_intensities(mean, np.full(5000, 100.0), d)
    assert np.all(likely >= 0)
    assert np.std(likely - true) < 0.8 * np.std(mean - true)
    np.testing.assert_allclose(likely_intensities(true, np.full(5000, 1e-6), d), true, rtol=0.01, atol=1e-3)


def test_threads_do_not_change_the_variances(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    expected = random.exponential(20.0, 3000)
    value = random.poisson(expected + 5.0) - 5.0
    arguments = value, np.maximum(value, 0.0) + 10.0, expected, np.full(3000, 10.0), random.random(3000) < 0.9
    alone = steadied(*arguments)
    monkeypatch.setattr(counting, "FEW", 0)
    np.testing.assert_array_equal(steadied(*arguments), alone)
    assert not np.array_equal(alone, arguments[1])


def test_least_squares_of_sums_are_those_of_the_terms() -> None:
    random = np.random.default_rng(7)
    terms, target = random.normal(size=(50, 4)) * [1.0, 1e4, 1e-3, 0.0], random.normal(size=50)
    every = np.column_stack([terms, target])
    found = counting._least_squares(every.T @ every)
    np.testing.assert_allclose(found[:3], np.linalg.lstsq(terms[:, :3], target)[0], rtol=1e-6)
    assert found[3] == 0.0  # what nothing tells of


def test_terms_that_make_each_other_up_share_what_they_tell() -> None:
    terms = np.column_stack([np.ones(20), np.arange(20.0), np.full(20, 3.0)])
    every = np.column_stack([terms, 2.0 + np.arange(20.0)])
    found = counting._least_squares(every.T @ every)
    np.testing.assert_allclose(terms @ found, every[:, 3], rtol=1e-9)
    assert np.abs(found).max() < 2.0


def test_variances_beyond_every_knot_that_is_told_stay_sane() -> None:
    """Of good observations none is off by 3 sigma: nothing says how variances rise there."""
    random = np.random.default_rng(8)
    value = np.concatenate([random.uniform(90, 110, 2000), [5000.0, 1e6]])
    use = np.arange(2002) < 2000
    steady = steadied(value, np.full(2002, 100.0), np.full(2002, 100.0), np.ones(2002), use)
    np.testing.assert_allclose(steady, 100.0, rtol=1e-6)
