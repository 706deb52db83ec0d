"""Variances of the scale factors, beside the scatter of factors that are fitted to the same data with other noise."""

from __future__ import annotations

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.merging.groups import group_equivalents
from autoproc.scaling.minimise import ExperimentShare, ScalingProblem, fit_models
from autoproc.scaling.model import ScaleCoordinates, model_for

N_TIMES = 40
SIGMA = 20.0


@pytest.fixture(scope="module")
def problem():
    """1500 observations of one sweep without errors, their positions, and a model of few parameters."""
    made = synthetic(Recipe(n_observations=1500, n_images=60, strength=400.0))
    table, groups = made.reflections, group_equivalents(made.experiment.crystal.space_group, made.reflections["hkl"])
    order = np.argsort(groups.group, kind="stable")
    at = ScaleCoordinates(table["xyz_obs_px"][order, 2], table["s1"][order], table["d"][order])
    model = model_for(made.experiment, at.frame, False, 1)
    part = ExperimentShare(np.arange(len(order)), model.design(made.experiment, at))
    exact = (made.intensity * made.factor)[order]
    weight = np.full(len(order), SIGMA**-2.0)
    return made.experiment, at, model, ScalingProblem(exact, weight, groups.group[order], len(groups), (part,), 0.0)


def noisy(problem, seed):
    noise = SIGMA * np.random.default_rng(seed).standard_normal(len(problem.intensity))
    return ScalingProblem(
        problem.intensity + noise, problem.weight, problem.group, problem.n_groups, problem.parts, 0.0
    )


def test_variances_are_those_of_the_scatter(problem):
    experiment, at, model, exact = problem
    fits = [fit_models(noisy(exact, seed), [model]) for seed in range(N_TIMES)]
    logs = np.array([np.log(fit.models[0].factors(exact.parts[0].design)) for fit in fits])
    expected = fits[0].models[0].relative_variances_at(experiment, at, fits[0].covariances[0])
    assert np.mean(logs.var(axis=0)) == pytest.approx(np.mean(expected), rel=0.25)
    assert np.corrcoef(logs.std(axis=0), np.sqrt(expected))[0, 1] > 0.5


def test_uncertainties_are_the_diagonal_of_the_covariances(problem):
    fit = fit_models(noisy(problem[3], 0), [problem[2]])
    np.testing.assert_allclose(fit.covariances[0], fit.covariances[0].T, atol=1e-15)
    np.testing.assert_allclose(fit.uncertainties[0] ** 2, np.diag(fit.covariances[0]))
    assert np.all(fit.uncertainties[0] > 0)


def test_overall_scale_has_no_variance(problem):
    """A factor of all scales changes nothing that was measured."""
    fit = fit_models(noisy(problem[3], 0), [problem[2]])
    model, covariance = fit.models[0], fit.covariances[0]
    overall = np.where(np.arange(len(model.parameters)) < model.slices[0].stop, model.parameters, 0.0)
    overall /= np.linalg.norm(overall)
    assert overall @ covariance @ overall < 0.02 * np.trace(covariance)


def test_half_the_errors_give_a_quarter_of_the_variance(problem):
    experiment, at, model, exact = problem
    variances = []
    for weight in (exact.weight, 4 * exact.weight):
        fit = fit_models(
            ScalingProblem(exact.intensity, weight, exact.group, exact.n_groups, exact.parts, 0.0), [model]
        )
        variances.append(fit.models[0].relative_variances_at(experiment, at, fit.covariances[0]))
    np.testing.assert_allclose(variances[0] / variances[1], 4.0, rtol=0.1)


def test_nothing_observed_has_no_variances(problem):
    experiment, at, model, _ = problem
    none = at[np.zeros(len(at), bool)]
    assert len(model.relative_variances_at(experiment, none, np.eye(len(model.parameters)))) == 0
