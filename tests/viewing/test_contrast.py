"""Contrast follows the background: not the gaps, not the spots."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.viewing.contrast import contrast, limits, sampled_values
from autoproc.viewing.image_tiles import pyramid_of_counts


def made(level, gap=0.0, spots=0.0, seed=1):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(level, (400, 400)).astype(np.int32)
    counts[rng.random(counts.shape) < spots] = 5000
    return pyramid_of_counts(counts, rng.random(counts.shape) >= gap, 0, 60000, n_threads=1)


@pytest.mark.parametrize("level", [0.1, 3.0, 50.0])
def test_gaps_and_spots_change_little(level):
    _, plain = contrast(made(level))["limits"][0]
    _, other = contrast(made(level, gap=0.3, spots=0.005))["limits"][0]
    assert other == pytest.approx(plain, rel=0.15)


def test_limits_are_around_the_background():
    low, high = contrast(made(100.0))["limits"][0]
    assert 50 < low < 100
    assert 150 < high < 300


def test_there_are_limits_for_every_level_that_rise_with_it():
    pyramid = made(1.0)
    high = [high for _, high in contrast(pyramid)["limits"]]
    assert len(high) == len(pyramid.levels)
    assert high == sorted(high)


def test_the_histogram_counts_every_sampled_pixel():
    told = contrast(made(3.0))["histogram"]
    assert len(told["edges"]) == len(told["pixels"]) + 1
    assert sum(told["pixels"]) == 400 * 400


@pytest.mark.parametrize("n", [1, 2, 5, 4000])
def test_limits_are_those_of_the_quantiles(n):
    values = np.sort(np.random.default_rng(n).gamma(2.0, 300.0, n).round())
    mid_low, mid_high, most = np.quantile(values, [0.16, 0.84, 0.95])
    level = values[values <= most].mean()
    sigma = max(np.sqrt(level), (mid_high - mid_low) / 2)
    assert limits(values) == pytest.approx((max(0.0, level - 3 * sigma), level + 10 * sigma), rel=1e-9)


@pytest.mark.parametrize("level", [0, 1])
def test_sampled_values_rise_and_are_those_of_pixels_with_a_count(level):
    pyramid = made(3.0, gap=0.2, spots=0.01)
    values = sampled_values(pyramid, level)
    assert (np.diff(values) >= 0).all()
    codes = pyramid.levels[level]
    there = codes[(codes > 0) & (codes < pyramid.overload)]
    assert set(np.unique(values)) <= set(np.unique(there) - 1.0)


def test_nothing_to_see():
    assert limits(np.empty(0)) == (0.0, 1.0)
    assert contrast(made(3.0, gap=1.1))["histogram"]["pixels"] == [0]
