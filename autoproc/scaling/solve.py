"""The cycles of scaling: models, outliers and errors in turn until nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.scaling.blank_images import with_blank_images, with_images_without_signal
from autoproc.scaling.combine import PROFILE, SUMMATION, IntensityChoice, best_choice, blend
from autoproc.scaling.error_model import Approach, ErrorModel
from autoproc.scaling.model import PhysicalModel, model_for
from autoproc.scaling.odd_images import with_odd_images
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.shadowed import with_shadows
from autoproc.scaling.state import (
    ScalingState,
    bare_state,
    fitted,
    of_mean_one,
    with_error_model,
    with_intensities,
    with_models,
    with_outliers,
    with_rough_scales,
    with_steady_variances,
)
from autoproc.scaling.unscaled_observations import UnscaledObservations

ABSORPTION = {"auto": (6, 5e4), "off": (0, 0.0), "low": (4, 5e5), "medium": (6, 5e4), "high": (6, 5e3)}
"""lmax of the surface and the weight that restrains its coefficients."""
FULL_CYCLE = 3
"""By then bad images, shadows and the better intensities are known."""
MAX_PASSES = 3
"""Searches for odd images, each with scales that those found before have no part in."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a scaling leaves for another one of the same reflections, perhaps of fewer of them.

    known, blank, shadowed, odd : (N,) bool of all reflections: those that took part, and those left out of these
    factors, variance : (N,) as in the state, of those that took part
    odd_images : as in the state
    params : of the scaling that it comes from
    """

    models: tuple[PhysicalModel, ...]
    error_model: ErrorModel
    candidates: tuple[IntensityChoice, ...]
    i_mid: float
    known: np.ndarray
    blank: np.ndarray
    shadowed: np.ndarray
    odd: np.ndarray
    factors: np.ndarray
    variance: np.ndarray
    odd_images: tuple[tuple[int, int, float], ...]
    params: ScaleParams

    def serves(self, observations: UnscaledObservations, params: ScaleParams) -> bool:
        """Nothing differs but the surface and the limits of resolution, within which no reflection is new."""
        free = {name: getattr(params, name) for name in ("d_min", "d_max", "n_bins", "absorption_level")}
        return self.params.model_copy(update=free) == params and bool(self.known[observations.row].all())


@dataclass(frozen=True, slots=True, eq=False)
class ScalingSolution:
    """The state at the end, and how it was reached; absorption_restraint weighs the squared coefficients.

    cycled : the error model of the cycles, with both hands together
    """

    state: ScalingState
    candidates: tuple[IntensityChoice, ...]
    i_mid: float
    absorption_restraint: float
    n_cycles: int
    converged: bool
    cycled: ErrorModel

    def start(self, observations: UnscaledObservations, params: ScaleParams, n_reflections: int) -> Start:
        """For another scaling of the same n_reflections."""
        rows, state = observations.row, self.state
        known, blank, shadowed, odd = np.zeros((4, n_reflections), bool)
        known[rows], blank[rows], shadowed[rows], odd[rows] = True, state.blank, state.shadowed, state.odd
        factors, variance = np.ones((2, n_reflections))
        factors[rows], variance[rows] = state.factors, state.variance
        return Start(
            state.models, self.cycled, self.candidates, self.i_mid, known, blank, shadowed, odd, factors, variance,
            state.odd_images, params,
        )  # fmt: skip


def solve_scales(
    experiments: Sequence[Experiment],
    observations: UnscaledObservations,
    params: ScaleParams,
    start: Start | None = None,
) -> ScalingSolution:
    """Fit models, reject outliers and correct the errors in turn until nothing changes.

    start : where another scaling ended, if that serves; then what the first two cycles find is known
    """
    restraint = ABSORPTION[params.absorption_level][1]
    candidates: tuple[IntensityChoice, ...] = ()
    if start is not None and start.serves(observations, params):
        first, i_mid, candidates = FULL_CYCLE, start.i_mid, start.candidates
        state = continued(experiments, observations, start, params.absorption_level)
    else:
        first, i_mid = 1, _first_choice(observations, params)
        state = _fresh(experiments, observations, params, i_mid)
    converged, approach = False, Approach()
    for cycle in range(first, first + params.max_cycles):
        before = state
        if cycle == 2 and params.max_shadow_ratio > 0:
            state = with_shadows(observations, state, params.max_shadow_ratio)
        state = with_outliers(observations, state, params.outlier_zmax)
        state = fitted(experiments, observations, state, restraint, params.max_observations)
        if cycle == 1:
            state = _without_bad_images(experiments, observations, state, params, restraint)
        if cycle == 1 and params.intensity_choice == "combine":
            candidates = best_choice(observations, state.factors, state.kept)
            i_mid = candidates[0].i_mid
            state = with_intensities(state, blend(observations, i_mid))
        if params.error_model:
            state = with_steady_variances(observations, state)
        state = with_outliers(observations, state, params.outlier_zmax)
        if params.error_model:
            state = with_error_model(observations, state, params.min_expected_intensity)
        if params.error_model and cycle >= FULL_CYCLE:
            model, approach = approach.towards(state.error_model, before.error_model)
            state = replace(state, error_model=model)
        converged = cycle >= FULL_CYCLE and _is_settled(before, state)
        if converged:
            break
    state = with_outliers(observations, state, params.outlier_zmax)
    cycled = state.error_model
    if params.error_model and params.anomalous:
        state = with_error_model(observations, state, params.min_expected_intensity, anomalous=True)
    return ScalingSolution(state, candidates, i_mid, restraint, cycle - first + 1, converged, cycled)


def _fresh(
    experiments: Sequence[Experiment], observations: UnscaledObservations, params: ScaleParams, i_mid: float
) -> ScalingState:
    """The state before the first cycle."""
    own = observations.rows_of_each(len(experiments))
    models = [
        model_for(e, observations.at.frame[rows], params.decay, ABSORPTION[params.absorption_level][0])
        for e, rows in zip(experiments, own, strict=True)
    ]
    state = bare_state(blend(observations, i_mid), models)
    if params.min_image_ratio > 0:
        state = with_images_without_signal(observations, state)
    return with_rough_scales(observations, state)


def continued(
    experiments: Sequence[Experiment], observations: UnscaledObservations, start: Start, level: str
) -> ScalingState:
    """The state in which another scaling ended, as far as these observations go.

    At another level of absorption the errors are thought small again: what the former surface could not describe has
    made them large, and with large errors the restraints would hold the new one where it was.
    """
    models = [model.with_degree(ABSORPTION[level][0]) for model in start.models]
    state = bare_state(blend(observations, start.i_mid), models)
    rows = observations.row
    state = replace(
        state, blank=start.blank[rows], shadowed=start.shadowed[rows], odd=start.odd[rows], odd_images=start.odd_images
    )
    if ABSORPTION[level] == ABSORPTION[start.params.absorption_level]:
        state = replace(state, error_model=start.error_model, variance=start.variance[rows])
        return of_mean_one(state, models, start.factors[rows])
    state = with_models(experiments, observations, state, models)
    return with_steady_variances(observations, state) if start.params.error_model else state


def _without_bad_images(
    experiments: Sequence[Experiment],
    observations: UnscaledObservations,
    state: ScalingState,
    params: ScaleParams,
    restraint: float,
) -> ScalingState:
    """The state with blank and odd images left out, and fitted again if there are more than were known.

    What a bad image has drawn the scales to hides others: these are looked for until there are no more.
    """

    def refitted(found: ScalingState) -> ScalingState:
        without = with_outliers(observations, found, params.outlier_zmax)
        return fitted(experiments, observations, without, restraint, params.max_observations)

    if params.min_image_ratio > 0:
        found = with_blank_images(observations, state, params.min_image_ratio)
        state = state if found is state else refitted(found)
    for _ in range(MAX_PASSES if params.max_image_deviation > 0 else 0):
        found = with_odd_images(observations, state, params.max_image_deviation)
        if found is state:
            break
        state = refitted(found)
    return state


def _first_choice(observations: UnscaledObservations, params: ScaleParams) -> float:
    has_profile = bool(np.any(np.isfinite(observations.profile.value)))
    return PROFILE if has_profile and params.intensity_choice != "sum" else SUMMATION


def _is_settled(before: ScalingState, after: ScalingState) -> bool:
    """Scales moved by less than 0.2% (rms), the error model by 1%, and hardly an outlier came or went."""
    both = before.kept & after.kept
    if not both.any():
        return True
    moved = np.log(after.factors[both] / before.factors[both])
    a, b = after.error_model.a / before.error_model.a, after.error_model.b / before.error_model.b
    exchanged = np.count_nonzero(before.outliers != after.outliers)
    return bool(np.std(moved) < 0.002 and abs(a - 1) < 0.01 and abs(b - 1) < 0.01 and exchanged <= 1e-3 * len(both) + 1)
