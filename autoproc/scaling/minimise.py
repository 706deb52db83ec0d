"""Fit scaling models: least squares of observations against the common intensities that they imply.

target = sum w (I - g <I>)^2 + restraints, <I> = sum w g I / sum w g^2 over equivalents (Hamilton, Rollett & Sparks
1965, Acta Cryst. 18, 129). <I> is eliminated from the normal equations (variable projection, Kaufman 1975),
so that Gauss-Newton steps converge in a few cycles, for all sweeps and lattices at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.kernels.scaling_model import weighted_sums
from autoproc.scaling.model import Design, PhysicalModel
from autoproc.scaling.normal_equations import Block, BlockEquations
from autoproc.threads import map_in_order

MAX_ITERATIONS = 15
CONVERGED = 1e-5
"""Relative decrease of the target below which the fit has converged."""
DECAY_RESTRAINT = 0.1
"""Weight of B^2 (1/Angstrom^4): B is pulled to zero with a standard deviation of about 3 Angstrom^2."""
USUAL_D_MIN = 2.0
"""Angstrom, where that is meant. Data that reach further have the same standard deviation of the logarithm of the
factor at their limit, or noise there has B run away by what no crystal survives (measured data to 0.6 Angstrom of
which no more than 1 carries signal)."""
TIE_RESTRAINT = 4.0
"""Weight of relative differences of neighbouring scale parameters: matters only where there are no data."""
MIN_FACTOR = 1e-4
BLOCK = 2048
"""Observations whose derivatives are held at a time; fixed, so that sums do not depend on the number of threads."""
MAX_DAMPING = 1e8


@dataclass(frozen=True, slots=True, eq=False)
class ExperimentShare:
    """One experiment's share of the observations: rows (n,) of the problem's arrays and their design."""

    rows: np.ndarray
    design: Design


@dataclass(frozen=True, slots=True, eq=False)
class ScalingProblem:
    """Observations to fit.

    intensity, weight : (N,), weight 1/variance, 0 leaves an observation out
    group : (N,) intp, sorted, 0 .. n_groups - 1; parts: one for each experiment
    absorption_restraint : weight of the squared harmonics' coefficients
    """

    intensity: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    n_groups: int
    parts: tuple[ExperimentShare, ...]
    absorption_restraint: float

    @property
    def decay_restraint(self) -> float:
        """Weight of B^2, 1/Angstrom^4: it rises with the fourth power of the resolution beyond the usual."""
        furthest = max((float(np.max(p.design.half_inverse_d2, initial=0.0)) for p in self.parts), default=0.0)
        return DECAY_RESTRAINT * max(1.0, 2 * furthest * USUAL_D_MIN**2) ** 2

    def sum(self, values: np.ndarray) -> np.ndarray:
        """(n_groups,) sums of (N,)."""
        return np.bincount(self.group, values, minlength=self.n_groups)


@dataclass(frozen=True, slots=True, eq=False)
class FittedScales:
    """Models after fitting, the covariances (n_parameters, n_parameters) of the parameters of each, and how it went.

    rms : root mean square weighted residual, at the start and after each accepted step
    """

    models: tuple[PhysicalModel, ...]
    covariances: tuple[np.ndarray, ...]
    rms: tuple[float, ...]
    n_observations: int
    converged: bool

    @property
    def uncertainties(self) -> tuple[np.ndarray, ...]:
        """Standard uncertainties of each model's parameters."""
        return tuple(np.sqrt(np.diag(covariance)) for covariance in self.covariances)


def fit_models(problem: ScalingProblem, models: Sequence[PhysicalModel]) -> FittedScales:
    """Levenberg-Marquardt from the models' present parameters. Steps to non-positive factors are refused."""
    current = tuple(models)
    target, state = _target(problem, current)
    n = max(1, int(np.count_nonzero(problem.weight)))
    history = [float(np.sqrt(state.sum_of_squares / n))]
    damping, converged, equations = 1e-4, False, None
    for _ in range(MAX_ITERATIONS):
        equations = _normal_equations(problem, current, state)
        accepted = None
        while accepted is None and damping < MAX_DAMPING:
            trial = _stepped(current, equations, damping)
            new_target, new_state = _target(problem, trial)
            if new_target <= target:
                accepted = trial
            damping = damping / 10 if accepted else damping * 10
        if accepted is None:
            converged = True
            break
        decrease = (target - new_target) / max(target, 1e-300)
        current, target, state = accepted, new_target, new_state
        history.append(float(np.sqrt(state.sum_of_squares / n)))
        damping = max(damping, 1e-9)
        if decrease < CONVERGED:
            converged = True
            break
    return FittedScales(current, _covariances(current, equations), tuple(history), n, converged)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Factors (N,), common intensities (n_groups,), sum w g^2 (n_groups,) and the sum of weighted squares."""

    factors: np.ndarray
    common: np.ndarray
    sum_wg2: np.ndarray
    sum_of_squares: float


def _target(problem: ScalingProblem, models: Sequence[PhysicalModel]) -> tuple[float, _State]:
    factors = np.ones_like(problem.intensity)
    for part, model in zip(problem.parts, models, strict=True):
        factors[part.rows] = model.factors(part.design)
    used = factors[problem.weight > 0]
    positive = bool(np.all(used > MIN_FACTOR)) and bool(np.all(np.isfinite(factors)))
    if not positive:
        return np.inf, _State(factors, np.zeros(problem.n_groups), np.ones(problem.n_groups), np.inf)
    weighted = problem.weight * factors
    sum_wg2 = problem.sum(weighted * factors)
    common = problem.sum(weighted * problem.intensity) / np.where(sum_wg2 > 0, sum_wg2, 1.0)
    residual = problem.intensity - factors * common[problem.group]
    squares = float(np.sum(problem.weight * residual**2))
    decay_restraint = problem.decay_restraint
    restraint = sum(_restraints(m, problem.absorption_restraint, decay_restraint)[0] for m in models)
    return squares + restraint, _State(factors, common, sum_wg2, squares)


def _normal_equations(problem: ScalingProblem, models: Sequence[PhysicalModel], state: _State) -> BlockEquations:
    """J^T W J and J^T W r of all parameters, with the common intensities eliminated, and the restraints."""
    calculated = state.factors * state.common[problem.group]
    fields = _Fields(problem.weight, state.factors, calculated, problem.intensity - calculated, problem.group)
    share = np.where(state.sum_wg2 > 0, np.abs(state.common) / np.sqrt(np.maximum(state.sum_wg2, 1e-300)), 0.0)
    parts = [(n, slice(at, at + BLOCK)) for n, p in enumerate(problem.parts) for at in range(0, len(p.rows), BLOCK)]

    def sums(which: tuple[int, slice]) -> _Sums:
        part = problem.parts[which[0]]
        return _block_sums(models[which[0]], part.design[which[1]], fields[part.rows[which[1]]])

    found: list[list[_Sums]] = [[] for _ in models]
    for (n, _), one in zip(parts, map_in_order(sums, parts), strict=True):
        found[n].append(one)
    decay_restraint = problem.decay_restraint
    blocks = []
    for model, of_model in zip(models, found, strict=True):
        _, first, second = _restraints(model, problem.absorption_restraint, decay_restraint)
        hessian = sum((one.hessian for one in of_model), second)
        gradient = sum((one.gradient for one in of_model), -first)
        blocks.append(Block(hessian, gradient, *_joined(of_model, share, len(first))))
    return BlockEquations(blocks, problem.n_groups)


def _joined(sums: Sequence[_Sums], share: np.ndarray, n_parameters: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups (k,), each once, and their coupling (k, n_parameters) by their share; blocks may divide a group."""
    if not sums:
        return np.zeros(0, np.intp), np.zeros((0, n_parameters))
    every, coupling = (
        np.concatenate(parts) for parts in zip(*((one.groups, one.coupling) for one in sums), strict=True)
    )
    is_new = np.diff(every, prepend=-1) != 0
    groups, joined = every[is_new], coupling[is_new]
    divided = np.flatnonzero(~is_new)  # no more than blocks, for within a block each group is there once
    np.add.at(joined, np.cumsum(is_new)[divided] - 1, coupling[divided])
    joined *= share[groups, None]
    return groups, joined


@dataclass(frozen=True, slots=True, eq=False)
class _Fields:
    """Of some observations (n,): weights, factors, calculated intensities, residuals and groups (sorted)."""

    weight: np.ndarray
    factor: np.ndarray
    calculated: np.ndarray
    residual: np.ndarray
    group: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> _Fields:
        return _Fields(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """One block of observations: coupling (k, n_parameters) is the sum of w g^2 times derivatives of `groups` (k,)."""

    hessian: np.ndarray
    gradient: np.ndarray
    groups: np.ndarray
    coupling: np.ndarray


def _block_sums(model: PhysicalModel, design: Design, of: _Fields) -> _Sums:
    weighted, gradient, groups, coupling = weighted_sums(
        model.log_derivatives(design), np.sqrt(of.weight) * of.calculated, of.weight * of.residual * of.calculated,
        of.weight * of.factor**2, of.group,
    )  # fmt: skip
    return _Sums(weighted.T @ weighted, gradient, groups, coupling)


def _restraints(
    model: PhysicalModel, absorption_restraint: float, decay_restraint: float = DECAY_RESTRAINT
) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, half the gradient and half the second derivatives of a model's restraints."""
    p = model.parameters
    scale, decay, absorption = model.slices
    second = np.zeros((len(p), len(p)))
    mean_scale = max(float(np.mean(p[scale])), MIN_FACTOR)
    for part, weight in ((scale, TIE_RESTRAINT / mean_scale**2), (decay, decay_restraint)):
        n = part.stop - part.start
        if n > 1:
            difference = np.diff(np.eye(n), axis=0)
            second[part, part] += weight * difference.T @ difference
    second[decay, decay] += decay_restraint * np.eye(decay.stop - decay.start)
    second[absorption, absorption] += absorption_restraint * np.eye(absorption.stop - absorption.start)
    first = second @ p
    value = float(p @ first)
    # The ties are relative to the mean scale: without its share the gradient would shrink the scales for good.
    ties = float(p[scale] @ first[scale])
    first[scale] -= ties / (mean_scale * (scale.stop - scale.start))
    return value, first, second


def _stepped(models: Sequence[PhysicalModel], equations: BlockEquations, damping: float) -> tuple[PhysicalModel, ...]:
    """Models after one damped step; the damping also holds the overall scale, which the data leave free."""
    step = equations.step(damping)
    stepped = [
        model.with_parameters(model.parameters + step[here])
        for model, here in zip(models, equations.slices, strict=True)
    ]
    return _of_same_scale(stepped, models)


def _of_same_scale(models: Sequence[PhysicalModel], before: Sequence[PhysicalModel]) -> tuple[PhysicalModel, ...]:
    """Models with the mean scale parameter that they had before: the target does not change with all of them."""
    old, new = (float(np.mean(np.concatenate([m.parameters[m.slices[0]] for m in some]))) for some in (before, models))
    if new <= 0 or old <= 0:
        return tuple(models)
    result = []
    for model in models:
        parameters = model.parameters.copy()
        parameters[model.slices[0]] *= old / new
        result.append(model.with_parameters(parameters))
    return tuple(result)


def _covariances(models: Sequence[PhysicalModel], equations: BlockEquations | None) -> tuple[np.ndarray, ...]:
    """Covariances of each model's parameters, the overall scale being held."""
    sizes = [len(m.parameters) for m in models]
    if equations is None:
        return tuple(np.zeros((n, n)) for n in sizes)
    overall = np.concatenate(
        [np.where(np.arange(n) < m.slices[0].stop, m.parameters, 0.0) for n, m in zip(sizes, models, strict=True)]
    )
    return equations.covariances(overall / max(float(np.linalg.norm(overall)), 1e-12))
