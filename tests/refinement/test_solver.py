"""Levenberg-Marquardt: it finds minima that are known, and says how well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refinement_case import experiment, spots

from autoproc.errors import RefinementFailed
from autoproc.refinement.problem import Evaluation, Free, NormalEquations, RefinedModels, RefinementProblem
from autoproc.refinement.setup import build, select_indexed
from autoproc.refinement.solver import covariance, minimise
from autoproc.refinement.spline_smoother import SplineSmoother


class Line:
    """y = a + b x, of which the derivatives are exact: one step is enough. A problem, as far as minimise knows."""

    n_parameters = 2

    def __init__(self, x: np.ndarray, y: np.ndarray, sigma: float) -> None:
        self.design, self.y, self.sigma = np.column_stack([np.ones_like(x), x]), y, sigma

    def evaluate(self, state: np.ndarray) -> Evaluation:
        difference = (self.design @ state - self.y) / self.sigma
        return Evaluation(state, (difference,), float(difference @ difference), np.zeros(3), len(self.y) // 3)

    def linearise(self, at: Evaluation) -> NormalEquations:
        jacobian = self.design / self.sigma
        vector = -(jacobian.T @ at.predicted[0])
        return NormalEquations(jacobian.T @ jacobian, vector, at.cost, at.rmsd, at.n_used)

    def stepped(self, state: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return state + shift


def line(seed: int = 0, n: int = 300, sigma: float = 0.5) -> Line:
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 3, n)
    return Line(x, 2.0 - 0.7 * x + rng.normal(0, sigma, n), sigma)


def test_a_straight_line_is_that_of_least_squares() -> None:
    problem = line()
    found = minimise(problem, np.zeros(2), 10)
    slope, constant = np.polyfit(problem.design[:, 1], problem.y, 1)
    np.testing.assert_allclose(found.state, [constant, slope], rtol=1e-5)
    assert found.has_converged


def test_the_cost_never_rises_from_step_to_step() -> None:
    problem = line()
    costs = [problem.evaluate(np.zeros(2)).cost, minimise(problem, np.zeros(2), 1).end.cost,
             minimise(problem, np.zeros(2), 10).end.cost]  # fmt: skip
    assert costs[0] > costs[1] >= costs[2]


def test_the_covariance_is_the_scatter_of_repeated_experiments() -> None:
    states = np.array([minimise(line(seed), np.zeros(2), 10).state for seed in range(400)])
    said = covariance(minimise(line(), np.zeros(2), 10).equations)
    np.testing.assert_allclose(said, np.cov(states.T), rtol=0.25, atol=2e-5)


def test_the_covariance_grows_with_what_the_weights_have_missed() -> None:
    """Weights that are four times too large in variance give the same uncertainties: chi squared puts it right."""
    exact, bold = line(), line()
    bold.sigma = exact.sigma / 2
    a, b = (covariance(minimise(problem, np.zeros(2), 10).equations) for problem in (exact, bold))
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_what_the_data_do_not_tell_is_said() -> None:
    """Nothing but nonsense in the equations: the matrix is that of no sum of squares."""
    problem = line()
    sound = problem.linearise(problem.evaluate(np.zeros(2)))
    problem.linearise = lambda _: replace(sound, matrix=-np.eye(2) - np.ones((2, 2)))  # type: ignore[method-assign]
    with pytest.raises(RefinementFailed, match="do not determine the 2 parameters"):
        minimise(problem, np.zeros(2), 10)


def test_derivatives_are_asked_for_once_where_each_step_begins_and_at_the_end() -> None:
    """Those of the end tell that no further step is worth its evaluation, and then the covariance."""
    problem, begun, tried = line(), [], []
    linearise, evaluate = problem.linearise, problem.evaluate
    problem.linearise = lambda at: begun.append(at) or linearise(at)  # type: ignore[method-assign, func-returns-value]
    problem.evaluate = lambda at: tried.append(at) or evaluate(at)  # type: ignore[method-assign, func-returns-value]
    found = minimise(problem, np.zeros(2), 10)
    assert [at.cost for at in begun] == sorted({at.cost for at in begun}, reverse=True)
    covariance(found.equations)
    covariance(found.equations)
    assert [at is found.end for at in begun] == [False] * (len(begun) - 1) + [True]
    assert len(tried) == len(begun) == len(found.steps)


def test_a_step_that_promises_next_to_nothing_is_not_made() -> None:
    problem = line()
    best = minimise(problem, np.zeros(2), 10).state
    sigma = np.sqrt(np.diag(covariance(minimise(problem, best, 10).equations)))
    near = minimise(problem, best + [1e-5 * sigma[0], 0], 10)
    assert (len(near.steps), near.has_converged) == (1, True)
    assert len(minimise(problem, best + [0.1 * sigma[0], 0], 10).steps) > 1


def test_no_parameters_are_found_at_once() -> None:
    problem = line()
    problem.n_parameters = 0
    assert minimise(problem, np.zeros(2), 10).has_converged


def crystal_problem(noise: float) -> tuple[RefinementProblem, RefinedModels, RefinedModels]:
    """Problem, the true state and one that is off in everything."""
    truth = experiment()
    selections = select_indexed([truth], spots(truth, n=800, noise=noise), 0.05)
    sweeps, state = build([truth], selections, [SplineSmoother(truth.scan.n_images, 0)])
    problem = RefinementProblem(sweeps, state, Free())
    rng = np.random.default_rng(4)
    size = np.concatenate([[0.3, 0.3, 0.5, 2e-3, 2e-3, 2e-3], [1e-3], [3e-3] * 3, [2e-3] * 6])
    assert len(size) == problem.n_parameters
    return problem, state, problem.stepped(state, size * rng.uniform(-1, 1, len(size)))


def test_a_crystal_and_a_detector_come_back_from_afar() -> None:
    problem, truth, start = crystal_problem(noise=0.0)
    found = minimise(problem, start, 30, tolerance=1e-12)
    setting, true_setting = (state.crystals[0].A_at(np.zeros(1)) for state in (found.state, truth))
    np.testing.assert_allclose(setting, true_setting, atol=2e-6)
    np.testing.assert_allclose(found.state.detectors[0][0].origin, truth.detectors[0][0].origin, atol=2e-2)
    assert found.steps[-1].rmsd[0] < 1e-3 * found.steps[0].rmsd[0]


def test_with_noise_the_scatter_is_that_of_the_noise() -> None:
    problem, _, start = crystal_problem(noise=1.0)
    found = minimise(problem, start, 30)
    x, y, phi = found.steps[-1].rmsd
    np.testing.assert_allclose([x / 0.172, y / 0.172], [0.1, 0.1], rtol=0.1)
    assert phi / np.radians(0.5) == pytest.approx(0.15, rel=0.1)


def test_the_number_of_spots_does_not_fall_on_the_way() -> None:
    """A step that loses spots, because they cannot be predicted any more, is no gain."""
    problem, state, start = crystal_problem(noise=1.0)
    found = minimise(problem, start, 30)
    assert {step.n_used for step in found.steps} == {problem.evaluate(state).n_used}


def test_fixed_models_stay() -> None:
    truth = experiment()
    selections = select_indexed([truth], spots(truth, n=300), 0.05)
    sweeps, state = build([truth], selections, [SplineSmoother(truth.scan.n_images, 0)])
    wrong = replace(state.crystals[0], omega=np.full((1, 3), 2e-3))
    problem = RefinementProblem(sweeps, state, Free(detector=(False,) * 6, beam=(False, False)))
    found = minimise(problem, replace(state, crystals=(wrong,)), 30)
    np.testing.assert_array_equal(found.state.detectors[0][0].origin, state.detectors[0][0].origin)
    np.testing.assert_array_equal(found.state.beams[0].direction, state.beams[0].direction)
    np.testing.assert_allclose(found.state.crystals[0].omega, 0, atol=2e-4)
