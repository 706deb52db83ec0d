"""Levenberg-Marquardt on the normal equations of a refinement problem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from autoproc.errors import RefinementFailed
from autoproc.refinement.problem import Evaluation, NormalEquations, RefinedModels, RefinementProblem

FIRST_DAMPING = 1e-6
MOST_DAMPING = 1e6
IDLE_STEP = 0.01
"""Of the tolerance: a step that promises less is not made. Of 200,000 residuals it moves no parameter by more than 0.05
standard deviations."""
MAX_FRACTION_LOST = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class RefinementStep:
    """One accepted step: spots used and RMSD in x, y (mm) and phi (radians)."""

    n_used: int
    rmsd: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the minimiser stopped, in a problem; linearised : there, where it had to be."""

    problem: RefinementProblem
    end: Evaluation
    steps: tuple[RefinementStep, ...]
    has_converged: bool
    linearised: NormalEquations | None = None

    @property
    def state(self) -> RefinedModels:
        """Of the models."""
        return self.end.state

    @cached_property
    def equations(self) -> NormalEquations:
        """The normal equations there, which the covariance needs."""
        return self.linearised or self.problem.linearise(self.end)


def minimise(problem: RefinementProblem, state: RefinedModels, max_iterations: int, tolerance: float = 1e-6) -> Minimum:
    """Least squares from `state`; stops when chi squared falls by less than `tolerance` of itself, or would.

    Raises RefinementFailed if the equations cannot be solved.
    """
    here = problem.evaluate(state)
    equations, steps = None, [_step(here)]
    damping, has_converged = FIRST_DAMPING, problem.n_parameters == 0
    for _ in range(max_iterations):
        if has_converged:
            break
        equations = equations or problem.linearise(here)
        shift = _solve(equations, damping)
        if damping <= FIRST_DAMPING and shift @ equations.vector < IDLE_STEP * tolerance * here.cost:
            has_converged = True
            break
        there = problem.evaluate(problem.stepped(here.state, shift))
        gain = (here.cost - there.cost) / here.cost if here.cost > 0 else 0.0
        lost = there.n_used < (1 - MAX_FRACTION_LOST) * here.n_used
        if gain < 0 or lost or not np.isfinite(there.cost):
            has_converged = not lost and abs(gain) < tolerance
            damping *= 100
            if damping > MOST_DAMPING:
                break
            continue
        here, equations, damping = there, None, max(damping / 10, 1e-12)
        steps.append(_step(here))
        has_converged = gain < tolerance
    return Minimum(problem, here, tuple(steps), has_converged, equations)


def covariance(equations: NormalEquations) -> np.ndarray:
    """(n, n) covariance of the parameters, scaled by the reduced chi squared."""
    n = len(equations.vector)
    freedom = max(3 * equations.n_used - n, 1)
    scale = _scale(equations.matrix)
    inverse = np.linalg.pinv(equations.matrix / np.outer(scale, scale), rcond=1e-12, hermitian=True)
    return inverse / np.outer(scale, scale) * (equations.cost / freedom)


def _solve(equations: NormalEquations, damping: float) -> np.ndarray:
    scale = _scale(equations.matrix)
    scaled = equations.matrix / np.outer(scale, scale)
    try:
        factor = scipy.linalg.cho_factor(scaled + damping * np.eye(len(scale)))
    except (scipy.linalg.LinAlgError, ValueError) as error:
        raise RefinementFailed(reason=f"the spots do not determine the {len(scale)} parameters ({error})") from error
    return scipy.linalg.cho_solve(factor, equations.vector / scale) / scale


def _scale(matrix: np.ndarray) -> np.ndarray:
    diagonal = np.diag(matrix)
    return np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


def _step(at: Evaluation) -> RefinementStep:
    x, y, phi = map(float, at.rmsd)
    return RefinementStep(at.n_used, (x, y, phi))
