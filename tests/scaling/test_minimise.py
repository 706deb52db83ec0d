from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, experiment
from scipy.optimize import least_squares

from autoproc.scaling import minimise
from autoproc.scaling.minimise import (
    DECAY_RESTRAINT,
    ExperimentShare,
    FittedScales,
    ScalingProblem,
    _normal_equations,
    _restraints,
    _target,
    fit_models,
)
from autoproc.scaling.model import PhysicalModel, ScaleCoordinates, model_for

MADE = experiment(Recipe(n_images=60))
RESTRAINT = 50.0


def problem_of(
    seed: int = 0, n_groups: int = 60, n: int = 400, n_sweeps: int = 1, noise: float = 0.02
) -> tuple[ScalingProblem, list[PhysicalModel], np.ndarray]:
    """Observations of groups by one or two sweeps, models that are off, and the true factors."""
    random = np.random.default_rng(seed)
    group = np.sort(np.concatenate([np.arange(n_groups), random.integers(0, n_groups, n - n_groups)]))
    at = ScaleCoordinates(random.uniform(0, 60, n), random.normal(size=(n, 3)), random.uniform(1.5, 6, n))
    sweep = random.integers(0, n_sweeps, n)
    factor, parts, models = np.ones(n), [], []
    for k in range(n_sweeps):
        rows = np.flatnonzero(sweep == k)
        model = model_for(MADE, np.array([0.0, 60.0]), True, 2)
        true = model.with_parameters(model.parameters + 0.1 * random.normal(size=len(model.parameters)))
        design = model.design(MADE, at[rows])
        factor[rows] = true.factors(design)
        parts.append(ExperimentShare(rows, design))
        models.append(model)
    intensity = 100 * random.exponential(size=n_groups)[group] * factor
    sigma = 1 + noise * intensity
    value = intensity + noise * sigma * random.normal(size=n)
    return ScalingProblem(value, 1 / sigma**2, group, n_groups, tuple(parts), RESTRAINT), models, factor


def slow_target(problem: ScalingProblem, models: list[PhysicalModel], decay_restraint: float) -> float:
    """Group by group: sum w (I - g <I>)^2 with Hamilton's <I>, and the restraints one parameter at a time."""
    g = np.ones(len(problem.intensity))
    for part, model in zip(problem.parts, models, strict=True):
        g[part.rows] = model.factors(part.design)
    total = 0.0
    for n in range(problem.n_groups):
        rows = problem.group == n
        w, i, k = problem.weight[rows], problem.intensity[rows], g[rows]
        mean = (w * k * i).sum() / (w * k * k).sum()
        total += (w * (i - k * mean) ** 2).sum()
    for model in models:
        scale, decay, absorption = (model.parameters[s] for s in model.slices)
        total += 4.0 * sum(((b - a) / scale.mean()) ** 2 for a, b in itertools.pairwise(scale))
        total += decay_restraint * (sum((b - a) ** 2 for a, b in itertools.pairwise(decay)) + (decay**2).sum())
        total += problem.absorption_restraint * (absorption**2).sum()
    return total


def moved(models: list[PhysicalModel], step: np.ndarray) -> list[PhysicalModel]:
    sizes = np.cumsum([len(m.parameters) for m in models])[:-1]
    return [m.with_parameters(m.parameters + s) for m, s in zip(models, np.split(step, sizes), strict=True)]


@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_target_is_that_of_hamilton_rollett_and_sparks(n_sweeps):
    problem, models, _ = problem_of(n_sweeps=n_sweeps)
    models = moved(models, 0.05 * np.random.default_rng(3).normal(size=sum(len(m.parameters) for m in models)))
    assert _target(problem, models)[0] == pytest.approx(
        slow_target(problem, models, problem.decay_restraint), rel=1e-10
    )


@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_gradient_is_that_of_the_target(n_sweeps, monkeypatch):
    monkeypatch.setattr(minimise, "BLOCK", 37)
    problem, models, _ = problem_of(n_sweeps=n_sweeps)
    n = sum(len(m.parameters) for m in models)
    models = moved(models, 0.05 * np.random.default_rng(3).normal(size=n))
    gradient = _normal_equations(problem, models, _target(problem, models)[1]).gradient
    for k in range(n):
        step = 1e-5 * np.eye(n)[k]
        up, down = (_target(problem, moved(models, s))[0] for s in (step, -step))
        assert -2 * gradient[k] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-3 * np.abs(gradient).max())


def test_hessian_of_exact_data_is_that_of_the_target():
    """Without residuals Kaufman's approximation is exact: half the second differences of the target."""
    problem, models, _ = problem_of(n=200, n_groups=30, noise=0.0)
    exact = _target(problem, models)[1].common[problem.group]
    g = models[0].factors(problem.parts[0].design)
    problem = replace(problem, intensity=np.abs(exact) * g, absorption_restraint=3.0)
    hessian = _normal_equations(problem, models, _target(problem, models)[1]).matrix
    n, h = len(models[0].parameters), 1e-3
    random = np.random.default_rng(4)
    for _ in range(6):
        v = random.normal(size=n)
        v[models[0].slices[0]] -= v[models[0].slices[0]].mean()  # along it the relative ties are not quadratic
        f = [_target(problem, moved(models, s * h * v))[0] for s in (-1, 0, 1)]
        assert v @ hessian @ v == pytest.approx((f[0] - 2 * f[1] + f[2]) / (2 * h * h), rel=0.01)


@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_true_factors_come_back(n_sweeps):
    problem, models, factor = problem_of(n=1500, n_sweeps=n_sweeps)
    problem = replace(problem, absorption_restraint=1e-3)
    fit = fit_models(problem, models)
    g = np.ones(len(factor))
    for part, model in zip(problem.parts, fit.models, strict=True):
        g[part.rows] = model.factors(part.design)
    ratio = np.log(g / factor)
    assert fit.converged
    assert np.all(np.diff(fit.rms) <= 1e-6)  # the restraints have a part in what falls
    assert np.std(ratio) < 0.01
    means = [np.concatenate([m.parameters[m.slices[0]] for m in some]).mean() for some in (models, fit.models)]
    assert means[1] == pytest.approx(means[0], rel=1e-9)


def test_no_other_minimiser_does_better():
    problem, models, _ = problem_of(n=250, n_groups=40)
    fit = fit_models(problem, models)
    target = _target(problem, fit.models)[0]

    def deviations(p: np.ndarray) -> np.ndarray:
        state = _target(problem, [models[0].with_parameters(p)])[1]
        residual = np.sqrt(problem.weight) * (problem.intensity - state.factors * state.common[problem.group])
        value, _, _ = _restraints(models[0].with_parameters(p), RESTRAINT, problem.decay_restraint)
        return np.append(residual, np.sqrt(max(value, 0.0)))

    best = least_squares(deviations, fit.models[0].parameters, max_nfev=6)
    assert target <= 2 * best.cost * (1 + 1e-3)


def test_weight_zero_leaves_an_observation_out():
    problem, models, _ = problem_of()
    weight = problem.weight.copy()
    weight[::9] = 0.0
    value = problem.intensity.copy()
    value[::9] *= 100
    without = [fit_models(replace(problem, weight=weight, intensity=i), models) for i in (problem.intensity, value)]
    np.testing.assert_allclose(without[0].models[0].parameters, without[1].models[0].parameters, rtol=1e-9)
    assert without[0].n_observations == np.count_nonzero(weight)


def test_size_of_blocks_does_not_change_the_normal_equations(monkeypatch):
    problem, models, _ = problem_of()
    whole = _normal_equations(problem, models, _target(problem, models)[1])
    monkeypatch.setattr(minimise, "BLOCK", 11)
    parts = _normal_equations(problem, models, _target(problem, models)[1])
    for a, b in ((whole.matrix, parts.matrix), (whole.gradient, parts.gradient)):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(a).max())


def test_factors_that_are_not_positive_are_refused():
    problem, models, _ = problem_of()
    parameters = models[0].parameters.copy()
    parameters[models[0].slices[0]] = -1.0
    assert _target(problem, [models[0].with_parameters(parameters)])[0] == np.inf
    fit = fit_models(problem, models)
    assert np.all(fit.models[0].factors(problem.parts[0].design) > 0)


def test_uncertainties_are_those_of_repeated_measurements():
    """The scatter of fits to data made again and again, where weights are right and restraints hardly hold."""
    problem, models, factor = problem_of(n=600, n_groups=30)
    problem = replace(problem, absorption_restraint=1e-6)
    random = np.random.default_rng(8)
    true = 100.0 * factor
    fits: list[FittedScales] = []
    for _ in range(25):
        value = true + 2.0 * random.normal(size=len(true))
        again = replace(problem, intensity=value, weight=np.full(len(true), 0.25))
        fits.append(fit_models(again, models))
    scale = models[0].slices[0]
    seen = np.std([f.models[0].parameters[scale] for f in fits], axis=0)
    told = np.mean([f.uncertainties[0][scale] for f in fits], axis=0)
    assert np.median(seen / told) == pytest.approx(1.0, abs=0.3)
    doubled = fit_models(replace(again, weight=np.full(len(true), 1.0)), models)
    assert np.median(doubled.uncertainties[0] / fits[-1].uncertainties[0]) == pytest.approx(0.5, abs=0.05)


def test_nothing_to_fit_leaves_the_model():
    problem, models, _ = problem_of()
    fit = fit_models(replace(problem, weight=np.zeros_like(problem.weight)), models)
    np.testing.assert_allclose(fit.models[0].parameters, models[0].parameters, atol=1e-9)
    assert fit.n_observations == 1


def test_decay_is_pulled_to_zero_with_3_square_angstrom():
    model = model_for(MADE, np.array([0.0, 60.0]), True, 0)
    parameters = model.parameters.copy()
    parameters[model.slices[1]] = 3.0
    value, _, second = _restraints(model.with_parameters(parameters), 0.0)
    assert value == pytest.approx(DECAY_RESTRAINT * 9.0 * model.n_decay)  # no ties between equal ones
    assert pytest.approx(3.0, abs=0.3) == DECAY_RESTRAINT**-0.5
    assert np.all(np.linalg.eigvalsh(second) > -1e-12)
