"""The state of scaling between cycles, and the steps that improve it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from autoproc.errors import NoReflections
from autoproc.geometry.shells import equal_volume_shells
from autoproc.kernels.group_expectation import group_expectation
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import order_by, rows_by_experiment
from autoproc.scaling.counting import likely_intensities, steadied
from autoproc.scaling.error_model import ErrorModel, fit_error_model
from autoproc.scaling.links import linked_parts, with_parts_held
from autoproc.scaling.minimise import ExperimentShare, FittedScales, ScalingProblem, fit_models
from autoproc.scaling.model import PhysicalModel, ScaleCoordinates
from autoproc.scaling.outliers import impossible_intensities, reject_outliers
from autoproc.scaling.shadows import Comparison, compare_with_others
from autoproc.scaling.unscaled_observations import Intensities, UnscaledObservations

N_START_CYCLES = 8
START_LIMITS = (0.01, 100.0)
N_SHELLS = 10
DEGREES_OF_FREEDOM = 6.0
"""Of Student's t, whose tails the fit allows for; few outliers then matter little."""
MIN_ANOMALOUS = 200
"""Observations with equivalents of their own hand that the error model needs, or both hands are taken together."""
MIN_SHELL_SIGNAL = 1.0
"""Mean of expected intensity over its standard uncertainty in a resolution shell that still tells of the scales (1.0
is about where CC1/2 falls below 0.3). Beyond it what remains of the background, which does not follow the scales, is
as large as the signal: in measured data of which two shells in three were noise it drew the scales flat, and the
lowest shell disagreed for it."""
MIN_RELATIVE_SIGNAL = 0.5
"""Where no shell has much, those with this part of the strongest one's tell."""
NO_SIGNAL = (
    "look at the images: there is no diffraction, or the background was taken for more than it is; in a file of "
    "another program, at the sign and the column of its intensities"
)
MIN_PARTIALITY = 0.95
"""Less complete reflections are scaled, but do not decide the scales."""


@dataclass(frozen=True, eq=False)
class ScalingState:
    """What is known between cycles.

    intensity, variance : (N,) chosen, corrected, not scaled; NaN where there is none; variance comes to be that of
        the expected photons, `integrated` stays what integration gave
    factors : (N,) inverse scales; models: one for each experiment; outliers, blank, shadowed, odd : (N,)
    bool; odd_images : those that the odd ones reach into, as (experiment, frame, part of its neighbours' intensity)
    reach : Angstrom, as far as there is signal: beyond it noise has the decay of the limit
    parts : of each experiment, which of those that have reflections in common it is of; empty before the first fit
    """

    intensity: np.ndarray
    variance: np.ndarray
    integrated: np.ndarray
    factors: np.ndarray
    models: tuple[PhysicalModel, ...]
    error_model: ErrorModel
    outliers: np.ndarray
    blank: np.ndarray
    shadowed: np.ndarray
    odd: np.ndarray
    odd_images: tuple[tuple[int, int, float], ...] = ()
    fit: FittedScales | None = None
    reach: float = 0.0
    parts: tuple[int, ...] = ()

    @cached_property
    def measured(self) -> np.ndarray:
        """(N,) bool: with an intensity and a positive factor, neither on a blank or odd image nor in a shadow."""
        finite = np.isfinite(self.intensity) & np.isfinite(self.variance)
        return finite & (self.factors > 0) & ~self.blank & ~self.shadowed & ~self.odd

    @cached_property
    def kept(self) -> np.ndarray:
        """(N,) bool: measured and no outlier."""
        return self.measured & ~self.outliers


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedIntensities:
    """What equivalents say of each observation.

    expected : (N,) g <I>; variance : (N,) corrected; share : (N,) of each in the mean of its group
    """

    expected: np.ndarray
    variance: np.ndarray
    share: np.ndarray


def bare_state(chosen: Intensities, models: Sequence[PhysicalModel]) -> ScalingState:
    """Intensities with factors 1 and nothing rejected."""
    n = len(chosen.value)
    nothing = np.zeros(n, bool)
    return ScalingState(
        chosen.value, chosen.variance, chosen.variance, np.ones(n), tuple(models), ErrorModel(), *4 * (nothing,)
    )


def with_rough_scales(observations: UnscaledObservations, state: ScalingState) -> ScalingState:
    """One factor for each scale parameter, by alternating least squares, and nothing else."""
    batch, sizes = _batches(observations, state.models)
    use = state.measured
    weight = np.where(use, 1.0 / np.where(use, state.error_model.variance(state.variance, state.intensity), 1.0), 0.0)
    intensity = np.where(use, state.intensity, 0.0)
    factor = np.ones(sum(sizes))
    for _ in range(N_START_CYCLES):
        g = factor[batch]
        common = observations.groups.sum(weight * g * intensity) / np.maximum(
            observations.groups.sum(weight * g * g), 1e-300
        )
        expected = np.maximum(common, 0.0)[observations.groups.group]
        numerator = np.bincount(batch, weight * intensity * expected, minlength=len(factor))
        denominator = np.bincount(batch, weight * expected**2, minlength=len(factor))
        known = denominator > 0
        ratio = np.where(known, numerator / np.where(known, denominator, 1.0), np.nan)
        middle = np.nanmedian(ratio) if known.any() else 1.0
        factor = np.nan_to_num(np.clip(ratio / max(middle, 1e-12), *START_LIMITS), nan=1.0)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    models = []
    for n, model in enumerate(state.models):
        parameters = np.zeros_like(model.parameters)
        parameters[model.slices[0]] = factor[starts[n] : starts[n + 1]]
        models.append(model.with_parameters(parameters))
    return replace(state, models=tuple(models), factors=factor[batch])


def _batches(observations: UnscaledObservations, models: Sequence[PhysicalModel]) -> tuple[np.ndarray, list[int]]:
    """The scale parameter nearest to each observation, (N,), counted through all models, and their numbers."""
    batch = np.zeros(len(observations), np.intp)
    sizes, start = [], 0
    for model, rows in zip(models, observations.rows_of_each(len(models)), strict=True):
        position = model.coordinate(observations.at.frame[rows], model.scale)
        nearest = np.rint(position - model.scale.positions[0]).astype(np.intp)
        batch[rows] = start + np.clip(nearest, 0, model.scale.n_parameters - 1)
        sizes.append(model.scale.n_parameters)
        start += model.scale.n_parameters
    return batch, sizes


def expected_intensities(
    observations: UnscaledObservations, state: ScalingState, use: np.ndarray
) -> ExpectedIntensities:
    """Compare observations with the means of those to `use` (N,) bool.

    The error model needs the expected intensity, which needs weights: the observed intensity serves once
    to start, the mean thereafter.
    """
    groups, errors = observations.groups, (state.error_model.a, state.error_model.b)
    measured = state.intensity, state.variance, state.factors
    return ExpectedIntensities(*group_expectation(measured, groups.group, len(groups), use, errors))


def with_intensities(state: ScalingState, chosen: Intensities) -> ScalingState:
    """The state with other estimates of the intensities."""
    return replace(state, intensity=chosen.value, variance=chosen.variance, integrated=chosen.variance)


def with_steady_variances(observations: UnscaledObservations, state: ScalingState) -> ScalingState:
    """The state with counting variances of the intensities that equivalents expect."""
    groups, g, kept = observations.groups, state.factors, state.kept
    seen = expected_intensities(observations, state, kept)
    weight = np.where(kept, 1.0 / seen.variance, 0.0)
    sum_wg2 = groups.sum(weight * g * g)
    known = sum_wg2 > 0
    if not known.any():
        return state
    safe = np.where(known, sum_wg2, 1.0)
    common = groups.sum(weight * g * np.where(kept, state.intensity, 0.0)) / safe
    likely = np.zeros(len(groups))
    likely[known] = likely_intensities(common[known], 1.0 / safe[known], observations.group_d[known])
    rows = np.flatnonzero(state.measured & known[groups.group])
    photon = observations.correction[rows]
    variance = state.integrated.copy()
    variance[rows] = photon**2 * steadied(
        state.intensity[rows] / photon,
        state.integrated[rows] / photon**2,
        g[rows] * likely[groups.group[rows]] / photon,
        observations.background[rows],
        kept[rows],
    )
    return replace(state, variance=variance)


def fitted(
    experiments: Sequence[Experiment],
    observations: UnscaledObservations,
    state: ScalingState,
    absorption_restraint: float,
    max_observations: int,
) -> ScalingState:
    """The state after fitting the models to well measured, robustly weighted observations."""
    seen = expected_intensities(observations, state, state.kept)
    use = with_signal(observations, state.kept, seen)
    rows = select_for_fit(observations, use, seen, max_observations)
    if not len(rows):
        return state
    rows = rows[order_by(observations.groups.group[rows])]
    variance = seen.variance[rows]
    z2 = (state.intensity[rows] - seen.expected[rows]) ** 2 / variance
    weight = (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + z2) / variance
    group = np.cumsum(np.diff(observations.groups.group[rows], prepend=observations.groups.group[rows[0]]) != 0)
    experiment = observations.experiment[rows]
    parts = []
    own = rows_by_experiment(experiment)
    for n, model in enumerate(state.models):
        here = own.get(n, np.zeros(0, np.intp))
        parts.append(ExperimentShare(here, model.design(experiments[n], observations.at[rows[here]])))
    problem = ScalingProblem(
        state.intensity[rows], weight, group, int(group.max()) + 1, tuple(parts), absorption_restraint
    )
    fit = fit_models(problem, state.models)
    reach = float(observations.d[use].min())
    linked = linked_parts(experiment, group, len(experiments))
    models = with_parts_held(fit.models, state.models, linked)
    state = replace(state, fit=fit, reach=reach, parts=tuple(map(int, linked)))
    return with_models(experiments, observations, state, models)


def with_models(
    experiments: Sequence[Experiment],
    observations: UnscaledObservations,
    state: ScalingState,
    models: Sequence[PhysicalModel],
) -> ScalingState:
    """The state with other models, brought to a mean scale of 1, and their factors."""
    factors = np.ones(len(observations))
    own = observations.rows_of_each(len(models))
    for n, (model, rows) in enumerate(zip(models, own, strict=True)):
        at = observations.at[rows]
        factors[rows] = model.factors_at(experiments[n], replace(at, d=np.maximum(at.d, state.reach)))
    return of_mean_one(state, models, factors)


def of_mean_one(state: ScalingState, models: Sequence[PhysicalModel], factors: np.ndarray) -> ScalingState:
    """The state with models, and their factors (N,), brought to a mean scale of 1."""
    use = state.kept & (factors > 0)
    mean = float(np.mean(factors[use])) if use.any() else 1.0
    rescaled = []
    for model in models:
        parameters = model.parameters.copy()
        parameters[model.slices[0]] /= mean
        rescaled.append(model.with_parameters(parameters))
    return replace(state, models=tuple(rescaled), factors=factors / mean)


def factor_variances(
    experiments: Sequence[Experiment],
    own: Sequence[np.ndarray],
    at: ScaleCoordinates,
    fit: FittedScales | None,
    factors: np.ndarray,
) -> np.ndarray:
    """(N,) variances of factors (N,), propagated from those of the parameters as last fitted; 0 where none were.

    own : rows of the observations of each experiment; at : where all were measured
    The overall scale, which has no meaning, is held; errors of the model itself are not in them.
    """
    variances = np.zeros(len(factors))
    if fit is None:
        return variances
    for n, (model, covariance, rows) in enumerate(zip(fit.models, fit.covariances, own, strict=True)):
        variances[rows] = model.relative_variances_at(experiments[n], at[rows], covariance)
    return factors**2 * variances


def select_for_fit(
    observations: UnscaledObservations, use: np.ndarray, seen: ExpectedIntensities, limit: int
) -> np.ndarray:
    """Rows that determine the scales best: groups of several, whole reflections, the strongest of each shell.

    At most about `limit` observations, shared equally among ten resolution shells; the same choice every time.
    """
    groups = observations.groups
    use = use & (observations.partiality >= MIN_PARTIALITY)
    count = groups.subset(use).count
    use = use & (count[groups.group] > 1)
    if np.count_nonzero(use) <= limit:
        return np.flatnonzero(use)
    information = groups.sum(np.where(use, seen.expected**2 / seen.variance, 0.0)) / np.maximum(count, 1)
    d = observations.group_d
    shell = equal_volume_shells(d[count > 1], N_SHELLS).index(d)
    chosen = np.zeros(len(groups), bool)
    for n in range(N_SHELLS):
        here = np.flatnonzero((shell == n) & (count > 1))
        best = here[np.argsort(-information[here], kind="stable")]
        chosen[best[np.cumsum(count[best]) <= limit / N_SHELLS]] = True
    return np.flatnonzero(use & chosen[groups.group])


def with_signal(observations: UnscaledObservations, use: np.ndarray, seen: ExpectedIntensities) -> np.ndarray:
    """(N,) bool: those to `use` (N,) bool as far in resolution as they show signal, so that noise decides no scales."""
    if not use.any():
        return use
    shells = equal_volume_shells(observations.d[use], N_SHELLS)
    shell = np.maximum(shells.index(observations.d), 0)
    count = np.bincount(shell[use], minlength=N_SHELLS)
    strength = seen.expected[use] / np.sqrt(seen.variance[use])
    signal = np.bincount(shell[use], strength, minlength=N_SHELLS) / np.maximum(count, 1)
    if not signal.max() > 0:
        reason = "the intensities are not above zero on average in any shell of resolution"
        raise NoReflections(stage="scaling", reason=reason, to_do=NO_SIGNAL)
    enough = min(MIN_SHELL_SIGNAL, MIN_RELATIVE_SIGNAL * float(signal.max()))
    last = int(np.flatnonzero(signal >= enough)[-1])
    return use & (shell <= last)


def with_outliers(observations: UnscaledObservations, state: ScalingState, zmax: float) -> ScalingState:
    """The state with outliers found anew."""
    use = state.measured
    kept = state.kept if state.kept.any() else use
    seen = expected_intensities(observations, state, kept)
    intensity = np.where(use, state.intensity, 0.0)
    outliers = reject_outliers(observations.groups, intensity, seen.variance, state.factors, zmax, use)
    scaled_variance = seen.variance / state.factors**2
    wild = impossible_intensities(
        observations.groups, observations.d, intensity / state.factors, scaled_variance, use & ~outliers
    )
    return replace(state, outliers=outliers | wild)


def against_equivalents(
    observations: UnscaledObservations, state: ScalingState, use: np.ndarray | None = None
) -> Comparison:
    """Each observation to `use` (N,) bool, or that is measured, against the mean of its kept equivalents."""
    use = state.measured if use is None else use
    factors = np.where(use, state.factors, 1.0)
    variance = expected_intensities(observations, state, state.kept).variance / factors**2
    scaled = np.where(use, state.intensity, 0.0) / factors
    return compare_with_others(observations.groups, scaled, variance, use, state.kept)


def with_error_model(
    observations: UnscaledObservations, state: ScalingState, min_expected: float, anomalous: bool = False
) -> ScalingState:
    """The state with the error model fitted to what others check; anomalous : as in `deviations_for_errors`."""
    found = deviations_for_errors(observations, state, min_expected, anomalous)
    return replace(state, error_model=fit_error_model(*found, state.error_model))


def deviations_for_errors(
    observations: UnscaledObservations, state: ScalingState, min_expected: float, anomalous: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `squared_deviations`, of what tells of errors.

    anomalous : compare I(+) with I(+) and I(-) with I(-) only, where there are enough of them: their difference is none
    """
    if anomalous and np.count_nonzero(observations.groups.is_centric) < len(observations.groups):
        apart = replace(observations, groups=observations.groups.anomalous())
        found = squared_deviations(apart, state, min_expected)
        if len(found[0]) >= MIN_ANOMALOUS:
            return found
    return squared_deviations(observations, state, min_expected)


def squared_deviations(
    observations: UnscaledObservations, state: ScalingState, min_expected: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared deviations from the group's mean, corrected for the share in it; variances; expected intensities.

    Of kept observations whose groups hold at least two and expect more than min_expected.
    """
    use = state.kept
    seen = expected_intensities(observations, state, use)
    count = observations.groups.subset(use).count[observations.groups.group]
    rows = np.flatnonzero(use & (count > 1) & (seen.expected > min_expected) & (seen.share < 0.95))
    deviation2 = (state.intensity[rows] - seen.expected[rows]) ** 2 / (1.0 - seen.share[rows])
    return deviation2, state.variance[rows], seen.expected[rows]


def image_ratios(observations: UnscaledObservations, state: ScalingState, n_images: Sequence[int]) -> list[np.ndarray]:
    """For each experiment, (n_images,) observed over expected intensity of each image; NaN where nothing is known."""
    seen = expected_intensities(observations, state, state.kept)
    result = []
    measured = state.measured
    for own, size in zip(observations.rows_of_each(len(n_images)), n_images, strict=True):
        rows = own[measured[own]]
        image = np.clip(observations.at.frame[rows].astype(np.intp), 0, size - 1)
        expected = np.maximum(seen.expected[rows], 0.0)
        weight = 1.0 / seen.variance[rows]
        cross = np.bincount(image, weight * state.intensity[rows] * expected, minlength=size)
        square = np.bincount(image, weight * expected**2, minlength=size)
        result.append(np.where(square > 0, cross / np.where(square > 0, square, 1.0), np.nan))
    return result
