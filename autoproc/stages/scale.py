"""Scale integrated reflections: remove what the experiment did to equivalent intensities.

Beilsten-Edmands et al. (2020), Acta D76, 385; Evans & Murshudov (2013), Acta D69, 1204.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autoproc.combining.mergeable import Mergeable, require_mergeable
from autoproc.errors import NoReflections
from autoproc.linear_algebra import single_threaded_blas
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.blank_images import images_left_out
from autoproc.scaling.error_model import ErrorBin, error_bins
from autoproc.scaling.excluded_images import on_excluded_images
from autoproc.scaling.model import to_dials
from autoproc.scaling.odd_images import unsteady_sweeps
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.result import ImageScales, ScaleResult
from autoproc.scaling.solve import ScalingSolution, solve_scales
from autoproc.scaling.state import (
    ScalingState,
    deviations_for_errors,
    expected_intensities,
    factor_variances,
    image_ratios,
)
from autoproc.scaling.tables import format_scale
from autoproc.scaling.unknowns import what_is_not_found, within_the_known, within_the_repeats
from autoproc.scaling.unscaled_observations import UnscaledObservations, observations_for_scaling
from autoproc.threads import side_by_side


@single_threaded_blas
def scale(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    params: ScaleParams,
    previous: ScaleResult | None = None,
) -> ScaleResult:
    """Scale the reflections of all experiments together; as scale_to_judge, and whole."""
    return scale_to_judge(experiments, reflections, params, previous).whole


@single_threaded_blas
def scale_to_judge(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    params: ScaleParams,
    previous: ScaleResult | None = None,
) -> ScaleResult:
    """Scale the reflections of all experiments together, and put off what no decision asks for.

    experiments : with crystals of one space group; reflections : integrated, indexed in it.
    previous : of the same experiments and reflections within wider limits; it saves most of the work
    Raises NoReflections, MissingColumn, GroupsDiffer, CellsDiffer, GivenTwice, SettingsDisagree or
    NoTwoAgree.
    """
    agreed = Mergeable(previous.apart, previous.others, previous.alone) if previous else Mergeable()
    if previous is None and params.check_settings:
        agreed = require_mergeable(experiments, reflections)
    params = within_the_known(reflections, params)
    excluded = on_excluded_images(experiments, reflections, params.exclude_images)
    excluded |= np.isin(reflections["experiment_id"], list(agreed.left_out))
    observations = observations_for_scaling(
        experiments, reflections, params.min_partiality, params.min_i_over_sigma, params.d_min, params.d_max, excluded,
        params.keep_first, agreed.doubtful,
    )  # fmt: skip
    params, uncorrected = within_the_repeats(observations, len(experiments), params)
    solution = solve_scales(experiments, observations, params, start=previous.start if previous else None)
    state = solution.state
    if not state.kept.any():
        raise NoReflections(stage="scaling", reason=f"all {len(observations)} were rejected")
    models = _experiments_with_models(experiments, solution)
    variances = np.zeros(len(reflections))
    scaled = _scaled_reflections(reflections, observations, state, variances)
    statistics, bins, images, unsteady = side_by_side(
        lambda: merging_statistics(models, scaled, n_shells=params.n_bins),
        lambda: _error_bins(observations, state, params),
        lambda: _image_scales(experiments, observations, state),
        lambda: _unsteady(observations, state, params),
    )
    rejected = state.outliers & state.measured
    return ScaleResult(
        experiments=models,
        reflections=scaled,
        error_model=state.error_model,
        error_bins=bins,
        statistics=statistics,
        images=images,
        candidates=solution.candidates,
        i_mid=solution.i_mid,
        rms=state.fit.rms if state.fit else (),
        n_cycles=solution.n_cycles,
        converged=solution.converged,
        n_parameters=_count_parameters(state),
        n_given=len(reflections),
        n_scaled=int(np.count_nonzero(state.kept)),
        n_outliers=int(np.count_nonzero(rejected)),
        n_shadowed=int(np.count_nonzero(state.shadowed)),
        blank_images=_blank_images(experiments, observations, state),
        odd_images=_odd_images(experiments, state),
        start=solution.start(observations, params, len(reflections)),
        parts=state.parts,
        others=agreed.doubtful,
        alone=agreed.alone,
        apart=agreed.left_out,
        uncorrected=uncorrected,
        unsteady=unsteady,
        rest=_later(experiments, observations, state, variances),
    )


def _later(
    experiments: Sequence[Experiment], observations: UnscaledObservations, state: ScalingState, variances: np.ndarray
) -> Callable[[], None]:
    """Fills in the variances (N,) of the factors, those of what was not scaled staying 0, and holds little until then.

    In place, so that the table stays the one of which other stages know the observations.
    """
    own, row, at = observations.rows_of_each(len(experiments)), observations.row, observations.at
    fit, factors = state.fit, state.factors

    @single_threaded_blas
    def fill() -> None:
        variances[row] = np.where(factors > 0, factor_variances(experiments, own, at, fit, factors), 0.0)

    return fill


def _error_bins(observations: UnscaledObservations, state: ScalingState, params: ScaleParams) -> tuple[ErrorBin, ...]:
    is_apart = params.error_model and params.anomalous
    return error_bins(
        *deviations_for_errors(observations, state, params.min_expected_intensity, is_apart), state.error_model
    )


def _blank_images(
    experiments: Sequence[Experiment], observations: UnscaledObservations, state: ScalingState
) -> tuple[tuple[int, int], ...]:
    """Images that were left out, as (experiment, image number)."""
    frames = images_left_out(observations, state, [e.scan.n_images for e in experiments])
    found = [
        (n, experiment.scan.image_range[0] + int(frame))
        for n, (experiment, blank) in enumerate(zip(experiments, frames, strict=True))
        for frame in blank
    ]
    return tuple(found)


def _odd_images(experiments: Sequence[Experiment], state: ScalingState) -> tuple[tuple[int, int, float], ...]:
    """Images that were left out for their intensities, in order, as (experiment, image number, part of the usual)."""
    scans = [e.scan for e in experiments]
    found = [(n, frame, ratio) for n, frame, ratio in state.odd_images if frame < scans[n].n_images]
    return tuple(sorted((n, scans[n].image_range[0] + frame, ratio) for n, frame, ratio in found))


def _unsteady(
    observations: UnscaledObservations, state: ScalingState, params: ScaleParams
) -> tuple[tuple[int, int, int], ...]:
    """Sweeps of whose images too many are off to be left out; see scaling.odd_images."""
    limit = params.max_image_deviation
    return tuple(unsteady_sweeps(observations, state, limit)) if limit > 0 else ()


def _experiments_with_models(experiments: Sequence[Experiment], solution: ScalingSolution) -> tuple[Experiment, ...]:
    state = solution.state
    extra: dict[str, Any] = {
        "error_model_type": "BasicErrorModel",
        "error_model_parameters": [state.error_model.a, state.error_model.b],
        "Imid": solution.i_mid,
    }
    if solution.absorption_restraint:
        extra["abs_surface_weight"] = solution.absorption_restraint
    result = []
    for n, (experiment, model) in enumerate(zip(experiments, state.models, strict=True)):
        uncertainty = state.fit.uncertainties[n] if state.fit else np.zeros(len(model.parameters))
        result.append(replace(experiment, scaling=to_dials(model, uncertainty, experiment, extra)))
    return tuple(result)


def _scaled_reflections(
    reflections: Reflections, observations: UnscaledObservations, state: ScalingState, variances: np.ndarray
) -> Reflections:
    """All reflections with the columns and flags of scaling; variances (N,) of the factors are filled in later."""
    n = len(reflections)
    seen = expected_intensities(observations, state, state.kept)
    rows = observations.row
    measured = state.measured
    columns = {name: np.zeros(n) for name in ("intensity_scale", "variance_scale")}
    columns |= {"inverse_scale_variance": variances, "inverse_scale": np.ones(n)}
    columns["intensity_scale"][rows] = np.where(measured, state.intensity, 0.0)
    columns["variance_scale"][rows] = np.where(measured, seen.variance, 0.0)
    columns["inverse_scale"][rows] = np.where(state.factors > 0, state.factors, 1.0)
    is_scaled, is_outlier = np.zeros(n, bool), np.zeros(n, bool)
    is_scaled[rows] = state.kept
    is_outlier[rows] = measured & state.outliers
    cleared = reflections.without_flag(Flag.SCALED | Flag.OUTLIER_IN_SCALING | Flag.EXCLUDED_FOR_SCALING)
    result = cleared.replace(**columns).with_flag(Flag.SCALED, is_scaled)
    result = result.with_flag(Flag.OUTLIER_IN_SCALING, is_outlier)
    return result.with_flag(Flag.EXCLUDED_FOR_SCALING, ~is_scaled & ~is_outlier)


def _image_scales(
    experiments: Sequence[Experiment], observations: UnscaledObservations, state: ScalingState
) -> tuple[ImageScales, ...]:
    ratios = image_ratios(observations, state, [e.scan.n_images for e in experiments])
    result = []
    for experiment, model, ratio in zip(experiments, state.models, ratios, strict=True):
        frame = np.arange(experiment.scan.n_images) + 0.5
        c, b = model.curves(frame)
        result.append(ImageScales(np.arange(len(frame)) + experiment.scan.image_range[0], c, b, ratio))
    return tuple(result)


def _count_parameters(state: ScalingState) -> dict[str, int]:
    counts = {"scale": 0, "decay": 0, "absorption": 0}
    for model in state.models:
        for name, part in zip(counts, model.slices, strict=True):
            counts[name] += part.stop - part.start
    return {name: n for name, n in counts.items() if n}


__all__ = [
    "ImageScales",
    "ScaleParams",
    "ScaleResult",
    "format_scale",
    "scale",
    "what_is_not_found",
]
