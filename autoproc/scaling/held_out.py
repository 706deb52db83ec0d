"""How well a strength of absorption correction does on reflections that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.agreement import MIN_TOTAL_SIGNAL
from autoproc.merging.groups import EquivalentGroups, equivalents_of
from autoproc.models.experiment import shared_cell
from autoproc.models.numbering import order_by
from autoproc.models.reflections import Flag
from autoproc.scaling.absorption import n_harmonics
from autoproc.scaling.minimise import ExperimentShare, ScalingProblem, fit_models
from autoproc.scaling.model import Design, PhysicalModel, ScaleCoordinates
from autoproc.scaling.solve import ABSORPTION
from autoproc.scaling.state import DEGREES_OF_FREEDOM, MIN_PARTIALITY
from autoproc.threads import map_in_order

if TYPE_CHECKING:
    from autoproc.scaling.result import ScaleResult

N_FOLDS = 2
MAX_OBSERVATIONS = 20000
"""Enough to see a gain of 1% with tens of standard deviations; whole groups are drawn at random beyond it."""
FEWEST = 100
"""Observations with repeats from which anything can be learnt."""
LEAST_CHI2 = 1e-4
"""Less is no agreement but too few repeats."""
MOST_FITS = 4
WELL_ESTIMATED = 0.7
"""Weighted squared deviations for each degree of freedom, down to which the errors are not thought too large."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What reflections held out of scaling say of it.

    r_meas : over all of them, None where there are too few; deviance : (G,) sum of squared deviations from the mean
    of equivalents over their variances, of each unique reflection, by the same error model for every level
    """

    r_meas: float | None
    deviance: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutTest:
    """Observations (N,), sorted by group, on which levels are compared: what all levels and folds share.

    intensity, variance : not scaled, errors as in the scaling that they come from; weight : of the fit, robust
    fold : (N,) of each observation's group; parts : rows of each experiment and their design to the highest degree
    models : those of the scaling; rows : (N,) of the reflections that it gave
    """

    groups: EquivalentGroups
    intensity: np.ndarray
    variance: np.ndarray
    weight: np.ndarray
    fold: np.ndarray
    parts: tuple[ExperimentShare, ...]
    models: tuple[PhysicalModel, ...]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.intensity)


@single_threaded_blas
def held_out_test(
    scaled: ScaleResult, d_min: float | None = None, max_observations: int = MAX_OBSERVATIONS
) -> HeldOutTest:
    """Choose the observations on which to compare levels of absorption, and work out once what all levels need.

    scaled : a scaling of the reflections with any level; its error model, its outliers and what it left out hold for
    all levels, so that these differ in their surfaces only. d_min : Angstrom, where the data will be cut
    """
    table, experiments = scaled.reflections, scaled.experiments
    d = shared_cell(experiments).calculate_d_array(table["hkl"])
    use = table.has_flag(Flag.SCALED) & (table["variance_scale"] > 0) & (d >= (d_min or 0.0))
    if "partiality" in table:
        use &= table["partiality"] >= MIN_PARTIALITY
    rows = np.flatnonzero(use)
    crystal = next(e.crystal for e in experiments if e.crystal is not None)
    groups = equivalents_of(crystal.space_group, table, rows)
    chosen = _some_groups(groups, max_observations)
    rows, groups = rows[chosen], groups.subset(chosen)
    order = order_by(groups.group)
    rows, groups = rows[order], groups.subset(order)
    value, variance, g = (table[name][rows] for name in ("intensity_scale", "variance_scale", "inverse_scale"))
    z2 = _deviations(groups, value, variance, g)
    weight = (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + z2) / variance
    position = table["xyz_obs_px"] if "xyz_obs_px" in table else table["xyz_cal_px"]
    at = ScaleCoordinates(position[rows, 2], table["s1"][rows], d[rows])
    parts = []
    highest = max(degree for degree, _ in ABSORPTION.values())
    for n, (experiment, model) in enumerate(zip(experiments, scaled.start.models, strict=True)):
        here = np.flatnonzero(table["experiment_id"][rows] == n)
        parts.append(ExperimentShare(here, model.with_degree(highest).design(experiment, at[here])))
    fold = np.random.default_rng(0).permutation(len(groups))[groups.group] % N_FOLDS
    return HeldOutTest(groups, value, variance, weight, fold, tuple(parts), scaled.start.models, rows)


@single_threaded_blas
def held_out_agreement(of: HeldOutTest, level: str) -> HeldOut:
    """Fit the scales to each part of the reflections with a level of absorption, and judge the other part by them.

    Fewer than FEWEST observations judge nothing: then r_meas is None.
    """
    if len(of) < FEWEST:
        return HeldOut(None, np.zeros(len(of.groups)))
    degree, restraint = ABSORPTION[level]
    models = tuple(model.with_degree(degree) for model in of.models)
    parts = tuple(ExperimentShare(p.rows, _to_degree(p.design, degree)) for p in of.parts)
    factors = np.ones(len(of))
    fitted = map_in_order(lambda fold: _factors(of, parts, models, of.fold != fold, restraint), range(N_FOLDS))
    for fold, by_others in enumerate(fitted):
        held = of.fold == fold
        factors[held] = by_others[held]
    return _judged(of, np.maximum(factors, 1e-3))


def _factors(
    of: HeldOutTest,
    parts: tuple[ExperimentShare, ...],
    models: tuple[PhysicalModel, ...],
    work: np.ndarray,
    restraint: float,
) -> np.ndarray:
    """(N,) inverse scales from the observations to `work` (N,) with.

    Where they agree much better than the errors of the scaling that was given have it, the fit is repeated with
    smaller errors, or the restraints would hold a surface that the data ask for.
    """
    weight = np.where(work, of.weight, 0.0)
    n_free = max(1, int(np.count_nonzero(work)) - len(np.unique(of.groups.group[work])))
    factors = np.ones(len(of))
    for _ in range(MOST_FITS):
        problem = ScalingProblem(of.intensity, weight, of.groups.group, len(of.groups), parts, restraint)
        models = fit_models(problem, models).models
        for part, model in zip(parts, models, strict=True):
            factors[part.rows] = model.factors(part.design)
        deviation = weight * of.variance * _deviations(of.groups, of.intensity, of.variance, factors)
        chi2 = float(deviation.sum()) / n_free
        if chi2 > WELL_ESTIMATED or chi2 < LEAST_CHI2:
            break
        weight = weight / chi2
    return factors


def _to_degree(design: Design, degree: int) -> Design:
    return replace(design, basis=design.basis[:, : n_harmonics(degree)])


def _some_groups(groups: EquivalentGroups, limit: int) -> np.ndarray:
    """Rows of groups of at least two observations: all of them, or at most `limit` in groups drawn at random."""
    count = groups.count
    order = np.random.default_rng(1).permutation(len(groups))
    order = order[count[order] > 1]
    chosen = np.zeros(len(groups), bool)
    chosen[order[np.cumsum(count[order]) <= limit]] = True
    return np.flatnonzero(chosen[groups.group])


def _deviations(groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, g: np.ndarray) -> np.ndarray:
    """(N,) squared deviations from the mean of equivalents, over the variances."""
    sum_wg2 = groups.sum(g * g / variance)
    common = groups.sum(g * value / variance) / np.where(sum_wg2 > 0, sum_wg2, 1.0)
    return (value - g * common[groups.group]) ** 2 / variance


def _judged(of: HeldOutTest, factors: np.ndarray) -> HeldOut:
    """The R factor is of intensities as measured, where a factor near zero does not make one observation decide."""
    deviance = of.groups.sum(_deviations(of.groups, of.intensity, of.variance, factors))
    total = float(of.intensity.sum())
    if total <= MIN_TOTAL_SIGNAL * float(of.variance.sum()) ** 0.5:
        return HeldOut(None, deviance)
    count = of.groups.count[of.groups.group]
    several = np.sqrt(count / np.maximum(count - 1, 1))
    off = np.sqrt(_deviations(of.groups, of.intensity, of.variance, factors) * of.variance)
    return HeldOut(float((several * off).sum()) / total, deviance)
