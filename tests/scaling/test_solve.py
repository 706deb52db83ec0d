from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.scaling.error_model import ErrorModel
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.solve import ABSORPTION, ScalingSolution, _is_settled, continued, solve_scales
from autoproc.scaling.unscaled_observations import UnscaledObservations, observations_for_scaling

MADE = synthetic(Recipe(n_observations=3000))


def observed(d_min: float | None = None) -> UnscaledObservations:
    return observations_for_scaling([MADE.experiment], MADE.reflections, 0.4, -5.0, d_min, None)


@pytest.fixture(scope="module")
def solution() -> ScalingSolution:
    return solve_scales([MADE.experiment], observed(), ScaleParams())


def of_fewer(state, n):
    """A state as if of n observations, as far as a start takes it."""
    marks = {"blank": np.arange(n) == 2, "shadowed": np.arange(n) == 5, "odd": np.arange(n) == 7}
    return replace(state, **marks, factors=np.arange(n) + 0.5, variance=np.arange(n) + 1.0)


def test_a_start_knows_what_took_part(solution):
    fewer = observed(3.0)
    n = len(fewer)
    state = of_fewer(solution.state, n)
    start = replace(solution, state=state).start(fewer, ScaleParams(), len(MADE.reflections))
    assert np.flatnonzero(start.known).tolist() == fewer.row.tolist()
    assert np.flatnonzero(start.blank).tolist() == [fewer.row[2]]
    assert np.flatnonzero(start.shadowed).tolist() == [fewer.row[5]]
    assert np.flatnonzero(start.odd).tolist() == [fewer.row[7]]
    assert start.factors[fewer.row].tolist() == state.factors.tolist()
    assert start.variance[fewer.row].tolist() == state.variance.tolist()


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({}, True),
        ({"d_min": 3.0, "d_max": 20.0, "n_bins": 7, "absorption_level": "high"}, True),
        ({"decay": False}, False),
        ({"outlier_zmax": 5.0}, False),
        ({"intensity_choice": "sum"}, False),
    ],
)
def test_only_limits_and_surface_may_differ(solution, change, serves):
    start = solution.start(observed(), ScaleParams(), len(MADE.reflections))
    assert start.serves(observed(), ScaleParams(**change)) == serves


def test_no_reflection_may_be_new(solution):
    narrow = observed(3.0)
    state = of_fewer(solution.state, len(narrow))
    start = replace(solution, state=state).start(narrow, ScaleParams(), len(MADE.reflections))
    assert start.serves(narrow, ScaleParams())
    assert not start.serves(observed(), ScaleParams())


@pytest.mark.parametrize("level", list(ABSORPTION))
def test_going_on_has_the_degree_of_the_level_and_errors_anew_where_it_differs(solution, level):
    observations = observed()
    start = replace(
        solution.start(observations, ScaleParams(), len(MADE.reflections)), error_model=ErrorModel(3.0, 0.1)
    )
    state = continued([MADE.experiment], observations, start, level)
    assert state.models[0].lmax == ABSORPTION[level][0]
    is_same = level in ("auto", "medium")
    assert state.error_model == (ErrorModel(3.0, 0.1) if is_same else ErrorModel())
    if is_same:
        np.testing.assert_allclose(state.factors, solution.state.factors, rtol=1e-3)
        np.testing.assert_array_equal(state.variance, solution.state.variance)


def test_stronger_absorption_is_restrained_less():
    """Between low and high the weight falls by ten at each level; auto is medium."""
    weights = [ABSORPTION[level][1] for level in ("low", "medium", "high")]
    assert np.diff(np.log10(weights)) == pytest.approx([-1, -1])
    assert ABSORPTION["auto"] == ABSORPTION["medium"]
    assert ABSORPTION["off"][0] == 0


def test_it_is_settled_when_nothing_moves(solution):
    state = solution.state
    n = len(state.factors)
    random = np.random.default_rng(0)
    assert _is_settled(state, state)
    assert _is_settled(state, replace(state, factors=2 * state.factors))  # an overall factor is no change
    for size, settled in ((0.001, True), (0.003, False)):
        moved = replace(state, factors=state.factors * np.exp(size * random.normal(size=n)))
        assert _is_settled(state, moved) == settled
    for a, b, settled in ((1.005, 0.995, True), (1.02, 1.0, False), (0.98, 1.0, False), (1.0, 1.02, False)):
        model = ErrorModel(a * state.error_model.a, b * state.error_model.b)
        assert _is_settled(state, replace(state, error_model=model)) == settled
    for n_new, settled in ((n // 1000 + 1, True), (n // 1000 + 2, False)):
        outliers = state.outliers.copy()
        outliers[np.flatnonzero(~outliers)[:n_new]] = True
        assert _is_settled(state, replace(state, outliers=outliers)) == settled
    assert _is_settled(state, replace(state, outliers=np.ones(n, bool)))


def test_cycles_are_no_more_than_allowed(solution):
    one = solve_scales([MADE.experiment], observed(), ScaleParams(max_cycles=1))
    assert (one.n_cycles, one.converged) == (1, False)
    assert solution.converged
    assert 3 <= solution.n_cycles <= 6


def test_error_models_that_answer_each_other_do_not_keep_it_going(monkeypatch):
    one, other = ErrorModel(0.94, 0.0471), ErrorModel(0.97, 0.0455)

    def flipping(observations, state, min_expected, anomalous=False):
        return replace(state, error_model=other if state.error_model.a < 0.955 else one)

    monkeypatch.setattr("autoproc.scaling.solve.with_error_model", flipping)
    found = solve_scales([MADE.experiment], observed(), ScaleParams(anomalous=False))
    assert found.converged
    assert 0.94 < found.state.error_model.a < 0.97


@pytest.mark.parametrize(("choice", "i_mid"), [("profile", 0.0), ("sum", 1.0)])
def test_a_choice_of_intensities_is_obeyed(choice, i_mid):
    observations = observed()
    found = solve_scales([MADE.experiment], observations, ScaleParams(intensity_choice=choice, max_cycles=1))
    assert (found.i_mid, found.candidates) == (i_mid, ())
    value = (observations.profile if choice == "profile" else observations.summation).value
    np.testing.assert_array_equal(found.state.intensity, value)
