from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.merging.twinning import TwinningTest
from autoproc.reports import intensity_plots, resolution_plots
from autoproc.reports.intensity_plots import HIGHEST_R, agreement, error_model_chart, l_test_chart, signal
from autoproc.reports.resolution_plots import cc_half, column, completeness, i_over_sigma, middle, r_factors, wilson
from autoproc.scaling.error_model import ErrorBin


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    for module in (resolution_plots, intensity_plots):
        monkeypatch.setattr(module, "draw", lambda chart: chart)


def shell(d_max: float, d_min: float, **values) -> SimpleNamespace:
    usual = {
        "n_unique": 10, "i_over_sigma": 5.0, "completeness": 99.0, "anomalous_completeness": 90.0, "r_meas": 0.1,
        "r_merge": 0.09, "r_pim": 0.05, "multiplicity": 4.0, "anomalous_multiplicity": 2.0, "cc_half": 0.99,
        "cc_anom": 0.2, "mean_intensity": 100.0,
    }  # fmt: skip
    return SimpleNamespace(d_max=d_max, d_min=d_min, **(usual | values))


def statistics(**outer) -> MergingStatistics:
    shells = (shell(10.0, 4.0), shell(4.0, 2.0, **outer))
    return MergingStatistics(shell(10.0, 2.0), shells)


def test_a_shell_stands_in_the_middle_of_its_range_of_inverse_d_squared():
    assert middle(shell(10.0, 2.0)) == pytest.approx((0.01 + 0.25) / 2)


def test_the_limit_is_rounded_as_everywhere():
    end = MergingStatistics(shell(10.0, 1.995), statistics().shells)
    (mark,) = (mark for mark in cc_half(end, None).marks if mark.along == "x")
    assert mark.label == "used to 2.00 \u00c5"


def test_what_does_not_exist_is_a_gap():
    np.testing.assert_array_equal(column(statistics(r_meas=None), "r_meas"), [0.1, np.nan])
    np.testing.assert_array_equal(column(statistics(n_unique=0, multiplicity=0.0), "multiplicity"), [4.0, np.nan])
    np.testing.assert_array_equal(column(statistics(n_unique=0, completeness=0.0), "completeness"), [99.0, 0.0])


@pytest.mark.parametrize(("outer", "low"), [(0.5, 0.0), (-0.5, None)])
def test_negative_signal_is_not_cut_off(outer, low):
    assert i_over_sigma(statistics(i_over_sigma=outer)).y_limits == (low, None)


@pytest.mark.parametrize(("outer", "top"), [(1.9, None), (2.1, 2.0)])
def test_r_factors_are_cut_off_at_two(outer, top):
    chart = r_factors(statistics(r_meas=outer))
    assert chart.y_limits == (0.0, top)
    assert [s.label for s in chart.series] == ["Rmeas", "Rmerge", "Rpim"]


def test_completeness_of_a_hundred_is_in_sight():
    first, second = completeness(statistics()).series
    assert first.y.tolist() == [99.0, 99.0]
    assert second.y.tolist() == [90.0, 90.0]


def test_wilson_is_the_logarithm_and_has_gaps_where_there_is_none():
    (series,) = wilson(statistics(mean_intensity=-1.0)).series
    np.testing.assert_allclose(series.y, [np.log(100.0), np.nan])


def test_correlations_show_the_fit_and_both_limits():
    s2 = np.linspace(0.01, 0.25, 5)
    estimate = SimpleNamespace(s2=s2, cc_half=1 - s2, fitted=1 - s2, cc_limit=0.3)
    chart = cc_half(statistics(cc_anom=-0.5), estimate)
    assert [s.label for s in chart.series] == ["CC\u00bd", "fit", "CC anomalous"]
    assert {m.value for m in chart.marks} == {0.0, 0.3, 0.25}
    assert chart.y_limits == (-0.5, 1.05)
    plain = cc_half(statistics(cc_anom=None), None)
    assert [s.label for s in plain.series] == ["CC\u00bd", "CC anomalous"]
    assert plain.y_limits == (-0.1, 1.05)


def test_error_bins_stand_at_the_logarithm_of_their_middles():
    before, after = error_model_chart([ErrorBin(150.0, 50.0, 30, 4.0, 1.0), ErrorBin(-1.0, -3.0, 30, 1.0, 0.9)]).series
    np.testing.assert_allclose(before.x, [2.0, -9.0])
    assert before.y.tolist() == [4.0, 1.0]
    assert after.y.tolist() == [1.0, 0.9]


def test_curves_of_the_l_test_are_those_of_padilla_and_yeates():
    """N(|L|) = |L| of a single crystal and |L| (3 - L^2) / 2 of a perfect twin, of mean 1/2 and 3/8."""
    x = np.linspace(0, 1, 1001)
    _, single, twin = l_test_chart(TwinningTest(100, 0.5, 0.33, 2.0, x, x, 2.0)).series
    for series, mean in ((single, 0.5), (twin, 0.375)):
        assert (series.y[0], series.y[-1]) == (0.0, 1.0)
        assert np.trapezoid(1 - series.y, x) == pytest.approx(mean, abs=1e-4)


def test_images_of_each_lattice_have_a_line_and_r_is_cut_off():
    one = SimpleNamespace(
        image=np.arange(1, 4), r_merge=np.array([0.1, 9.0, np.nan]), i_over_sigma=np.array([5.0, 1, 2])
    )
    (line,) = agreement([one]).series
    np.testing.assert_array_equal(line.y, [0.1, HIGHEST_R, np.nan])
    assert line.label == ""
    assert [s.label for s in signal([one, one]).series] == ["lattice 1", "lattice 2"]
