from __future__ import annotations

import numpy as np
import pytest
from models_for_tests import crystal, experiment, fading, scaled

from autoproc.errors import NoReflections
from autoproc.merging.merging_statistics import HalfSetShell, merging_statistics
from autoproc.stages.estimate_resolution import (
    EstimateResolutionParams,
    NoAgreement,
    ResolutionEstimate,
    estimate_resolution,
    fit_tanh,
    format_resolution,
    resolution_from_shells,
    tanh_curve,
    without_empty_shells,
)
from autoproc.wording import angstrom


def test_fit_recovers_a_curve():
    s2 = np.linspace(0.02, 0.4, 30)
    rng = np.random.default_rng(0)
    cc = 0.97 * tanh_curve(s2, 0.25, 0.03) + rng.normal(0, 0.03, 30)
    plateau, centre, width = fit_tanh(s2, cc, np.full(30, 300))
    assert plateau == pytest.approx(0.97, abs=0.02)
    assert centre == pytest.approx(0.25, abs=0.005)
    assert width == pytest.approx(0.03, rel=0.4)


@pytest.mark.parametrize("fall_d", [2.6, 3.2])
def test_limit_lies_where_the_signal_falls(fall_d):
    estimate = estimate_resolution(*fading(fall_d, 0.01), EstimateResolutionParams())
    assert estimate.d_min == pytest.approx(fall_d, rel=0.1)
    assert not estimate.limited_by_data
    assert f"{angstrom(estimate.d_min)} A, where the fitted CC1/2 falls to 0.3" in format_resolution(estimate)
    assert estimate.fitted_at_limit == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("fall_d", [2.5, 2.9, 3.3])
def test_no_shell_of_noise_is_left_where_data_end_sharply(fall_d):
    experiments, table = fading(fall_d, 1e-4)
    estimate = estimate_resolution(experiments, table, EstimateResolutionParams())
    outer = merging_statistics(experiments, table, d_min=estimate.d_min).outer
    assert outer.cc_half >= 0.3


def test_the_limit_is_that_of_the_last_reflection_within_it():
    """So that what is told of the estimate and of the data that are cut by it is one figure."""
    experiments, table = fading(2.6, 0.01)
    estimate = estimate_resolution(experiments, table, EstimateResolutionParams())
    cut = merging_statistics(experiments, table, d_min=estimate.d_min).overall
    assert cut.d_min == pytest.approx(estimate.d_min, rel=2e-6)


@pytest.mark.parametrize(
    ("ended_by", "limited", "why"),
    [
        ("fit", False, "where the fitted CC1/2 falls to 0.3"),
        ("abrupt", False, "where the signal ends abruptly: CC1/2 0.70 in the last shell, 0.50 beyond it"),
        ("noise", False, "where shells without signal begin (the fitted CC1/2 is 0.60 there)"),
        ("misigma", False, "where the mean I/sigma falls to 2 (the fitted CC1/2 is 0.60 there)"),
        ("fit", True, "the end of the data, where the fitted CC1/2 is 0.60, still above 0.3"),
    ],
)
def test_what_set_the_limit_is_told_with_the_value_there(ended_by, limited, why):
    s2, cc = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.9, 0.7, 0.5, 0.3])
    d_min, count = 0.25**-0.5, np.full(4, 100)
    estimate = ResolutionEstimate(d_min, 1.5, limited, 0.3, s2, cc, count, cc, (2.0, 2.0), ended_by)
    assert estimate.why == why


def test_good_data_are_limited_by_their_edge():
    made = crystal()
    estimate = estimate_resolution([experiment(made)], scaled(made, d_min=2.5), EstimateResolutionParams())
    assert estimate.limited_by_data
    assert estimate.d_min == estimate.edge
    assert "the end of the data" in format_resolution(estimate)


def test_pure_noise_is_an_error():
    experiments, table = fading(2.6, 0.01)
    noise = np.random.default_rng(3).normal(0, 20.0, len(table))
    with pytest.raises(NoAgreement, match="CC1/2"):
        estimate_resolution(experiments, table.replace(intensity_scale=noise), EstimateResolutionParams(cc_half=0.5))


def test_too_few_shells_are_an_error():
    made = crystal()
    statistics = merging_statistics([experiment(made)], scaled(made, d_min=8.0))
    few = [HalfSetShell(s.d_max, s.d_min, s.n_unique, s.i_over_sigma, None) for s in statistics.shells]
    with pytest.raises(NoReflections, match="no shell has"):
        resolution_from_shells(few, 8.0, 0.3)


class Corners:
    """Shells of 0.1 A from 3 A, of which the outermost hold each reflection once: i_over_sigma of them by d_min."""

    def __init__(self, i_over_sigma: float):
        self.signal = i_over_sigma

    def shells(self, n_shells: int, d_min: float) -> list[HalfSetShell]:
        return [self.shell(round(d, 1)) for d in np.arange(2.9, d_min - 0.01, -0.1)]

    def shell(self, d_min: float) -> HalfSetShell:
        is_corner = d_min < 1.95
        return HalfSetShell(d_min + 0.1, d_min, 20, self.signal if is_corner else 8.0, None if is_corner else 0.96)


@pytest.mark.parametrize(("i_over_sigma", "d_min"), [(-0.1, 2.0), (0.3, 2.0), (2.0, 1.8)])
def test_shells_seen_once_are_kept_for_their_signal_only(i_over_sigma, d_min):
    """CC1/2 of 0.96 is that of the last shell with repeats, and says nothing of the corners beyond."""
    nothing = np.zeros(0)
    edge = ResolutionEstimate(1.8, 1.8, True, 0.3, nothing, nothing, nothing, nothing)
    found = without_empty_shells(edge, Corners(i_over_sigma))
    assert found.d_min == pytest.approx(d_min)
    assert found.limited_by_data == (d_min == 1.8)


def test_a_limit_by_the_mean_of_i_over_sigma():
    """The signal halves where it falls: I/sigma does not change at half that limit, and falls below at twice."""
    data = fading(2.8, 0.02)
    free = estimate_resolution(*data, EstimateResolutionParams())
    limits = [estimate_resolution(*data, EstimateResolutionParams(misigma=m)) for m in (0.1, 2.0, 6.0)]
    assert limits[0].d_min == pytest.approx(free.d_min, abs=0.02)
    assert free.d_min < limits[1].d_min < limits[2].d_min
    shells = merging_statistics(*data, d_min=limits[2].d_min).shells
    assert shells[-1].i_over_sigma == pytest.approx(6.0, rel=0.5)
    said = format_resolution(limits[2])
    assert f"falls to 6 at {angstrom(limits[2].by_misigma[1])} A" in said
    assert "where the mean I/sigma falls to 6 (the fitted CC1/2 is" in said


def test_a_mean_of_i_over_sigma_that_nothing_has():
    with pytest.raises(NoReflections, match="nowhere above 10000"):
        estimate_resolution(*fading(2.8, 0.02), EstimateResolutionParams(misigma=10000))
