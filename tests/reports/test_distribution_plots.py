"""What charts are given to draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from autoproc.reports import distribution_plots
from autoproc.reports.chart import Chart
from autoproc.reports.distribution_plots import (
    counts_by_resolution,
    deviations,
    fractions,
    intensities,
    mean_by_resolution,
    shell_number,
)

UNIFORM = np.random.default_rng(0).uniform(0.001, 0.125, 4000) ** (-1 / 3)
"""Resolutions from 10 to 2 Angstrom, as those of reflections."""


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    monkeypatch.setattr(distribution_plots, "draw", lambda chart: chart)


def test_shells_are_of_equal_volume_with_their_middles():
    shell, middle = shell_number(UNIFORM)
    assert np.bincount(shell, minlength=20) == pytest.approx(np.full(20, 200), abs=60)
    edges = np.linspace(0.001, 0.125, 21) ** (2 / 3)
    np.testing.assert_allclose(middle, 0.5 * (edges[1:] + edges[:-1]), rtol=2e-2)


def test_every_reflection_is_counted_once_and_indexed_ones_again():
    d = np.concatenate([UNIFORM, [np.nan, np.inf, 0.0, -1.0]])
    indexed = np.arange(len(d)) % 4 == 0
    chart: Chart = counts_by_resolution(d, indexed)
    every, some = chart.series
    assert every.y.sum() == 4000
    assert some.y.sum() == 1000
    assert np.all(some.y <= every.y)
    assert len(counts_by_resolution(UNIFORM).series) == 1
    assert counts_by_resolution(np.array([np.nan])).series == ()


def test_means_are_those_of_each_shell_without_what_is_no_number():
    value = np.where(np.arange(4000) % 10 == 0, np.nan, UNIFORM**-2.0)
    (series,) = mean_by_resolution(UNIFORM, {"x": value}, "y").series
    np.testing.assert_allclose(series.y, series.x, rtol=0.12)
    assert series.label == ""


def test_means_below_nothing_are_not_cut_off():
    charts = [mean_by_resolution(UNIFORM, {"a": np.full(4000, v), "b": np.ones(4000)}, "y") for v in (2.0, -2.0)]
    assert [chart.y_limits[0] for chart in charts] == [0.0, None]
    assert [s.label for s in charts[0].series] == ["a", "b"]
    assert mean_by_resolution(UNIFORM, {"none": np.full(4000, np.nan)}, "y").series == []


def test_intensities_share_their_bins_of_the_logarithm():
    strong, weak = 10.0 ** np.linspace(0, 4, 1000), np.append(10.0 ** np.linspace(1, 2, 500), [-5.0, 0.0, np.nan])
    first, second = intensities({"strong": strong, "weak": weak}).series
    np.testing.assert_array_equal(first.x, second.x)
    assert first.y.sum() == 1000
    assert second.y.sum() == 500
    inside = (second.x > 0.9) & (second.x < 2.1)
    assert second.y[~inside].sum() == 0
    assert intensities({"none": np.array([-1.0])}).series == []


def test_deviations_are_in_standard_deviations_of_each_direction():
    normal = norm.ppf((np.arange(5000) + 0.5) / 5000)
    found = deviations(np.column_stack([normal, 100 * normal, np.zeros(5000)])).series
    assert [s.label for s in found] == ["x", "y"]
    np.testing.assert_allclose(found[0].y, found[1].y, atol=2)
    width = found[0].x[1] - found[0].x[0]
    np.testing.assert_allclose(found[0].y, 5000 * width * norm.pdf(found[0].x), atol=8)
    assert deviations(np.zeros((0, 3))).series == []


def test_fractions_fall_into_bins_between_their_limits():
    (series,) = fractions(np.array([0.0, 0.1, 0.5, 1.0, 2.0, np.nan]), "x", 0.0, 1.0).series
    assert series.y.sum() == 4
    assert series.x[[0, -1]] == pytest.approx([0.0125, 0.9875])
    assert fractions(np.zeros(0), "x", 0, 1).series == []
