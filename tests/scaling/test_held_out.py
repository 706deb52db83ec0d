from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scaled_for_tests import Recipe, synthetic

from autoproc.decisions.absorption import AbsorptionReport, better_level
from autoproc.merging.groups import group_equivalents
from autoproc.scaling.held_out import held_out_agreement, held_out_test
from autoproc.scaling.minimise import DECAY_RESTRAINT, ExperimentShare, ScalingProblem, _restraints, fit_models
from autoproc.scaling.model import LEAST_LINEAR, positive_surface
from autoproc.scaling.params import ScaleParams
from autoproc.stages.scale import scale


def scaled(level="medium", **recipe):
    made = synthetic(Recipe(**recipe))
    return scale([made.experiment], made.reflections, ScaleParams(absorption_level=level))


@pytest.fixture(scope="module")
def absorbed():
    return scaled(absorption=0.4, n_observations=8000, strength=3000.0)


@pytest.fixture(scope="module")
def clear():
    return scaled(absorption=0.0, n_observations=4000, strength=100.0)


def report(of, level):
    found = held_out_agreement(of, level)
    return AbsorptionReport(level, found.r_meas, found.deviance)


def test_absorption_asks_for_a_surface(absorbed):
    of = held_out_test(absorbed)
    levels = [report(of, level) for level in ("low", "medium", "high")]
    assert [better_level(a, b).is_better for a, b in pairwise(levels)] == [True, True]


def test_clear_data_ask_for_none(clear):
    of = held_out_test(clear)
    low = report(of, "low")
    for level in ("medium", "high"):
        assert not better_level(low, report(of, level)).is_better


def test_level_of_the_scaling_that_is_given_does_not_matter(absorbed):
    again = scaled("low", absorption=0.4, n_observations=8000, strength=3000.0)
    first, second = (held_out_agreement(held_out_test(s), "high") for s in (absorbed, again))
    assert first.r_meas == pytest.approx(second.r_meas, rel=0.05)


def test_reflections_held_out_do_not_decide_their_own_scales(absorbed):
    """A wild observation leaves the scales that judge it as they are: only its own group's deviance changes."""
    of = held_out_test(absorbed)
    free = of.fold == 0
    wild = np.flatnonzero(free)[0]
    before = held_out_agreement(of, "medium").deviance
    of.intensity[wild] *= 50
    after = held_out_agreement(of, "medium").deviance
    others = np.unique(of.groups.group[free])
    others = others[others != of.groups.group[wild]]
    np.testing.assert_allclose(after[others], before[others], rtol=1e-6)
    of.intensity[wild] /= 50


def test_few_observations_are_enough_and_limits_hold(absorbed):
    part = held_out_test(absorbed, max_observations=2000)
    assert 1500 < len(part) <= 2000
    assert (part.groups.subset(np.ones(len(part), bool)).count[part.groups.group] > 1).all()
    assert np.all(np.diff(part.groups.group) >= 0)
    assert len(held_out_test(absorbed, d_min=3.0)) < 0.7 * len(held_out_test(absorbed))
    few, all_of_them = (held_out_agreement(of, "low").r_meas for of in (part, held_out_test(absorbed)))
    assert few == pytest.approx(all_of_them, rel=0.15)


@pytest.mark.parametrize("n", [2, 20, 99])
def test_too_few_observations_judge_nothing(absorbed, n):
    few = held_out_test(absorbed, max_observations=n)
    assert len(few) <= n
    assert held_out_agreement(few, "high").r_meas is None


def test_same_every_time(absorbed):
    first, second = (held_out_agreement(held_out_test(absorbed), "medium") for _ in range(2))
    np.testing.assert_array_equal(first.deviance, second.deviance)


def test_scaling_goes_on_at_another_level(absorbed):
    made = synthetic(Recipe(absorption=0.4, n_observations=8000, strength=3000.0))
    params = ScaleParams(absorption_level="high")
    fresh = scale([made.experiment], made.reflections, params)
    continued = scale([made.experiment], made.reflections, params, absorbed)
    assert continued.candidates is absorbed.candidates  # what the first two cycles find is taken over
    ratio = continued.reflections["inverse_scale"] / fresh.reflections["inverse_scale"]
    groups = group_equivalents(made.experiment.crystal.space_group, made.reflections["hkl"])
    common = groups.sum(ratio) / np.maximum(groups.count, 1)  # what equivalents share has no meaning
    assert np.std(ratio / common[groups.group]) < 0.005
    assert continued.start.models[0].lmax == 6


def test_many_fits_one_after_another_leave_the_overall_scale(absorbed):
    """The data say nothing of it, and nothing else may move it: figures of held-out reflections hang on it."""
    of = held_out_test(absorbed)
    models = of.models
    for weight in (of.weight, 0.5 * of.weight, 0.1 * of.weight):
        problem = ScalingProblem(of.intensity, weight, of.groups.group, len(of.groups), of.parts, 5e4)
        models = fit_models(problem, models).models
    before, after = (np.mean(m[0].parameters[m[0].slices[0]]) for m in (of.models, models))
    assert after == pytest.approx(before, rel=1e-9)


def test_restraints_do_not_change_with_the_overall_scale(absorbed):
    model = absorbed.start.models[0]
    overall = np.where(np.arange(len(model.parameters)) < model.slices[0].stop, model.parameters, 0.0)
    assert abs(overall @ _restraints(model, 5e4)[1]) < 1e-9


@given(linear=st.floats(-1e3, 1e3))
def test_surface_is_positive_and_linear_where_it_counts(linear):
    found = positive_surface(np.array([linear]))[0]
    assert found > 0
    assert linear < LEAST_LINEAR or found == linear


def test_slopes_of_the_surface_continue_below_the_linear_part():
    step = 1e-6
    for x in (-0.3, LEAST_LINEAR - 1e-3, LEAST_LINEAR + 1e-3, 0.9):
        above, below = np.log(positive_surface(np.array([x + step, x - step])))
        assert (above - below) / (2 * step) == pytest.approx(1 / max(x, LEAST_LINEAR), rel=1e-4)


@pytest.mark.parametrize(("d_min", "times"), [(4.0, 1.0), (2.0, 1.0), (1.0, 16.0), (0.5, 256.0)])
def test_decay_is_held_where_data_reach_far(absorbed, d_min, times):
    """The logarithm of the factor at the limit of resolution keeps its standard deviation."""
    of = held_out_test(absorbed)
    design = replace(of.parts[0].design, half_inverse_d2=np.linspace(0.0, 0.5 / d_min**2, len(of)))
    problem = ScalingProblem(
        of.intensity, of.weight, of.groups.group, len(of.groups), (ExperimentShare(of.parts[0].rows, design),), 0.0
    )
    assert problem.decay_restraint == pytest.approx(times * DECAY_RESTRAINT)
