"""How finely crystals may vary: what few spots, gaps and narrow sweeps allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from refinement_case import experiment, spots

from autoproc.refinement import variation
from autoproc.refinement.gradients import IndexedSpots
from autoproc.refinement.params import RefineParams
from autoproc.refinement.problem import Free
from autoproc.refinement.setup import crystal_model, select_indexed, thinned
from autoproc.refinement.spline_smoother import SplineSmoother
from autoproc.refinement.variation import (
    _resampled,
    _trial,
    choose_smoothers,
    coarsest_smoother,
    finer_smoother,
    is_determined,
    without_gauge,
)

PARAMS = RefineParams()


def seen(frame: np.ndarray, weight: float | np.ndarray = 1.0) -> IndexedSpots:
    n = len(frame)
    nothing = np.zeros((n, 3))
    weights = np.broadcast_to(weight, n)[:, None] * np.ones(3)
    return IndexedSpots(nothing, np.zeros(n, int), nothing, frame, weights, np.zeros(n, bool))


def evenly(n: int, n_images: float = 100) -> IndexedSpots:
    return seen((np.arange(n) + 0.5) / n * n_images)


def test_beside_a_turning_crystal_beam_distance_and_turn_about_the_beam_are_fixed():
    assert without_gauge(Free()).detector == (True, True, False, True, True, False)
    found = without_gauge(Free(detector=(False, True, True, True, False, True), beam=(True, True)))
    assert found.detector == (False, True, False, True, False, False)
    assert found.beam == (False, False)
    fixed = Free(orientation=False)
    assert without_gauge(fixed) is fixed


def test_nine_parameters_a_coefficient_want_five_spots_each():
    """Four intervals have six coefficients: 45 spots in each interval, 270 in all."""
    smoother = SplineSmoother(100, 4)
    assert is_determined(smoother, evenly(270), PARAMS)
    assert not is_determined(smoother, evenly(269), PARAMS)
    fewer = RefineParams(min_reflections_per_parameter=4)
    assert is_determined(smoother, evenly(216), fewer)
    assert not is_determined(smoother, evenly(215), fewer)
    idle = seen(evenly(400).frame, np.arange(400) % 2)
    assert not is_determined(smoother, idle, PARAMS)


@pytest.mark.parametrize(
    ("n_intervals", "n_gaps", "expected"), [(4, 1, False), (5, 1, True), (9, 2, False), (10, 2, True)]
)
def test_one_interval_in_five_may_be_blank(n_intervals, n_gaps, expected):
    frames = np.concatenate([i + (np.arange(200) + 0.5) / 200 for i in range(n_gaps, n_intervals)]) * 10
    assert is_determined(SplineSmoother(10 * n_intervals, n_intervals), seen(frames), PARAMS) is expected


@pytest.mark.parametrize(
    ("width", "n_images", "params", "n_intervals"),
    [
        (0.5, 360, {}, 5),  # 180 degrees in steps of 36
        (0.5, 360, {"scan_varying": False}, 0),
        (0.5, 360, {"interval_width": 20.0}, 9),
        (-0.5, 360, {}, 5),
        (0.5, 10, {}, 0),  # 5 degrees are not wider than 5
        (0.5, 11, {}, 2),
        (0.5, 10, {"scan_varying": True}, 2),
        (0.5, 20, {"min_sweep_width": 10.0}, 0),
    ],
)
def test_the_first_curve_follows_the_width_of_the_sweep(width, n_images, params, n_intervals):
    one = experiment(n_images=n_images, width=width)
    found = coarsest_smoother(one, evenly(5000, n_images), RefineParams(**params))
    assert found == SplineSmoother(n_images, n_intervals)


def test_few_spots_have_fewer_intervals_or_none():
    one = experiment(n_images=360)
    found = [coarsest_smoother(one, evenly(n, 360), PARAMS).n_intervals for n in (315, 314, 269, 179, 135, 134)]
    assert found == [5, 4, 3, 1, 1, 0]


def test_a_finer_curve_has_twice_the_intervals_down_to_four_degrees():
    one, many = experiment(n_images=96), evenly(5000, 96)
    assert finer_smoother(SplineSmoother(96, 3), one, many, PARAMS) == SplineSmoother(96, 6)
    assert finer_smoother(SplineSmoother(96, 6), one, many, PARAMS) == SplineSmoother(96, 12)
    assert finer_smoother(SplineSmoother(96, 12), one, many, PARAMS) == SplineSmoother(96, 12)
    assert finer_smoother(SplineSmoother(96, 3), one, evenly(359, 96), PARAMS) == SplineSmoother(96, 3)
    assert finer_smoother(SplineSmoother(96, 0), one, many, PARAMS) == SplineSmoother(96, 0)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_finer_curve_can_follow_a_coarser_one_exactly(n):
    """Halving the intervals of a quadratic spline keeps every curve that it could draw."""
    old, new = (crystal_model(experiment().crystal, SplineSmoother(60, m)) for m in (n, 2 * n))
    rng = np.random.default_rng(n)
    old = replace(old, omega=rng.normal(size=old.omega.shape), strain=rng.normal(size=old.strain.shape))
    found, frames = _resampled(old, new), np.linspace(0, 60, 41)
    assert_allclose(found.omega_at(frames), old.omega_at(frames), atol=1e-9)
    assert_allclose(found.strain_at(frames), old.strain_at(frames), atol=1e-9)
    assert found.smoother == new.smoother


def test_a_width_that_is_asked_for_is_not_tried():
    truth = experiment(n_images=60)
    selections = select_indexed([truth], spots(truth, n=1200), 0.05)
    found, state = choose_smoothers([truth], selections, Free(), RefineParams(interval_width=10.0))
    assert (found, state) == ([SplineSmoother(60, 3)], None)
    few = select_indexed([truth], spots(truth, n=20), 0.05)
    assert choose_smoothers([truth], few, Free(), PARAMS) == ([SplineSmoother(60, 0)], None)


def test_a_still_crystal_is_left_still():
    truth = experiment(n_images=60)
    selections = select_indexed([truth], spots(truth, n=800), 0.05)
    found, state = choose_smoothers([truth], selections, Free(), PARAMS)
    assert found == [SplineSmoother(60, 0)]
    assert state is not None
    insisted, _ = choose_smoothers([truth], selections, Free(), RefineParams(scan_varying=True))
    assert insisted[0].n_intervals > 0


def test_some_spots_tell_the_criterion_of_all(monkeypatch):
    """Of curves against one another: n ln(chi^2) of three times as many spots, and the same for the parameters."""
    truth = experiment(n_images=60)
    selections = select_indexed([truth], spots(truth, n=2400), 0.05)
    some = [thinned(selections[0], truth, 27.0)]
    n_all, n_some = len(selections[0].rows), len(some[0].rows)
    assert n_some < n_all / 2.5
    curves = [SplineSmoother(60, 0)], [SplineSmoother(60, 2)]
    whole = [_trial([truth], selections, curve, None, Free(), 1.0)[0] for curve in curves]
    part = [_trial([truth], some, curve, None, Free(), n_all / n_some)[0] for curve in curves]
    penalty = (4 - 1) * 9 * np.log(3 * n_all)
    assert whole[1] - whole[0] == pytest.approx(penalty, rel=0.3)
    assert part[1] - part[0] == pytest.approx(penalty, rel=0.3)
    monkeypatch.setattr(variation, "TRIED_SPOTS", 800)
    assert choose_smoothers([truth], selections, Free(), PARAMS)[0] == [SplineSmoother(60, 0)]
