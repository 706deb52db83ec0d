"""Scale integrated reflections: remove what the experiment did to equivalent intensities.

Beilsten-Edmands et al. (2020), Acta D76, 385; Evans & Murshudov (2013), Acta D69, 1204.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from autoproc.errors import NoReflections
from autoproc.merging.statistics import merging_statistics
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.params import Params
from autoproc.scaling.combine import PROFILE, SUMMATION, Candidate, best_choice, blend
from autoproc.scaling.error_model import error_bins
from autoproc.scaling.model import model_for, to_dials
from autoproc.scaling.observations import Observations, observations_for_scaling
from autoproc.scaling.result import ImageScales, ScaleResult
from autoproc.scaling.state import (
    State,
    deviations,
    expectation,
    fitted,
    image_ratios,
    initial_state,
    with_blank_images,
    with_error_model,
    with_outliers,
    with_shadows,
)
from autoproc.scaling.tables import format_scale

ABSORPTION = {"off": (0, 0.0), "low": (4, 5e5), "medium": (6, 5e4), "high": (6, 5e3)}
"""lmax of the surface and the weight that restrains its coefficients."""


class ScaleParams(Params):
    """How to scale."""

    anomalous: bool = True
    """Report the statistics of I(+) and I(-) apart. The scales always come from both together."""
    absorption_level: Literal["off", "low", "medium", "high"] = "medium"
    """Strength of the absorption correction: low is for about 1%, medium 5%, high over 25%. The restraints of medium
    leave data without absorption as they are; high can overfit few or narrow sweeps."""
    decay: bool = True
    """Correct a relative B factor over the sweep (radiation damage)."""
    d_min: float | None = None
    """High-resolution limit, Angstrom; none scales everything that was integrated."""
    d_max: float | None = None
    """Low-resolution limit, Angstrom; none keeps everything."""
    error_model: bool = True
    """Correct the standard uncertainties by the scatter of equivalents; otherwise they stay as integrated."""
    min_expected_intensity: float = 25.0
    """The error model is fitted to reflections expected to be stronger, photons: weak ones do not tell of b."""
    outlier_zmax: float = 6.0
    """Standard uncertainties from the mean of the equivalents beyond which an observation is an outlier."""
    intensity_choice: Literal["profile", "sum", "combine"] = "combine"
    """Profile-fitted or summation intensities, or whichever blend of them gives the lowest Rmeas."""
    min_partiality: float = 0.4
    """Reflections of which less was recorded are left out."""
    min_i_over_sigma: float = -5.0
    """Observations more negative than this many standard uncertainties are left out."""
    min_image_ratio: float = 0.3
    """Images whose reflections have less than this part of the intensity expected are left out as blank."""
    max_shadow_ratio: float = 0.8
    """Places on the detector where reflections have less than this part of the intensity expected are left out as
    shadowed, judged by many together, and hot places with them; 0 keeps them all."""
    max_cycles: int = 6
    """Cycles of fitting, outlier rejection and error model; stops earlier when nothing changes."""
    max_observations: int = 60000
    """Observations that determine the scales at most; the strongest of each resolution range are chosen."""
    n_bins: int = 20
    """Resolution shells of the statistics."""


def scale(experiments: Sequence[Experiment], reflections: Reflections, params: ScaleParams) -> ScaleResult:
    """Scale the reflections of all experiments together.

    experiments : with crystals of one space group; reflections : integrated, indexed in it.
    Raises NoReflections or MissingColumn.
    """
    observations = observations_for_scaling(
        experiments, reflections, params.min_partiality, params.min_i_over_sigma, params.d_min, params.d_max
    )
    solution = solve(experiments, observations, params)
    state = solution.state
    if not state.kept.any():
        raise NoReflections(stage="scaling", reason=f"all {len(observations)} were rejected")
    models = _experiments_with_models(experiments, solution)
    scaled = _scaled_reflections(reflections, observations, state)
    deviation2, variance, expected = deviations(observations, state, params.min_expected_intensity)
    rejected = state.outliers & state.measured
    return ScaleResult(
        experiments=models,
        reflections=scaled,
        error_model=state.error_model,
        error_bins=error_bins(deviation2, variance, expected, state.error_model),
        statistics=merging_statistics(models, scaled, n_shells=params.n_bins),
        images=_image_scales(experiments, observations, state),
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
    )


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The state at the end, and how it was reached."""

    state: State
    candidates: tuple[Candidate, ...]
    i_mid: float
    n_cycles: int
    converged: bool


def solve(
    experiments: Sequence[Experiment],
    observations: Observations,
    params: ScaleParams,
    held_out: np.ndarray | None = None,
) -> Solution:
    """Fit models, reject outliers and correct the errors in turn until nothing changes.

    held_out : (N,) bool, observations that do not take part in any decision, for cross-validation
    """
    lmax, restraint = ABSORPTION[params.absorption_level]
    models = [
        model_for(e, observations.at.frame[observations.experiment == n], params.decay, lmax)
        for n, e in enumerate(experiments)
    ]
    i_mid = _first_choice(observations, params)
    state = initial_state(observations, blend(observations, i_mid), models)
    if held_out is not None:
        state = replace(state, held_out=held_out)
    candidates: tuple[Candidate, ...] = ()
    converged = False
    for cycle in range(1, params.max_cycles + 1):
        before = state
        if cycle == 2 and params.max_shadow_ratio > 0:
            state = with_shadows(observations, state, params.max_shadow_ratio)
        state = with_outliers(observations, state, params.outlier_zmax)
        state = fitted(experiments, observations, state, restraint, params.max_observations)
        if cycle == 1:
            state = with_blank_images(observations, state, params.min_image_ratio)
            if params.intensity_choice == "combine":
                candidates = best_choice(observations, state.factors, state.kept & ~state.held_out)
                i_mid = candidates[0].i_mid
                chosen = blend(observations, i_mid)
                state = replace(state, intensity=chosen.value, variance=chosen.variance)
        state = with_outliers(observations, state, params.outlier_zmax)
        if params.error_model:
            state = with_error_model(observations, state, params.min_expected_intensity)
        converged = cycle > 2 and _is_settled(before, state)
        if converged:
            break
    state = with_outliers(observations, state, params.outlier_zmax)
    return Solution(state, candidates, i_mid, cycle, converged)


def _first_choice(observations: Observations, params: ScaleParams) -> float:
    has_profile = bool(np.any(np.isfinite(observations.profile.value)))
    return PROFILE if has_profile and params.intensity_choice != "sum" else SUMMATION


def _is_settled(before: State, after: State) -> bool:
    """Scales moved by less than 0.2% (rms), the error model by 1%, and hardly an outlier came or went."""
    both = before.kept & after.kept
    if not both.any():
        return True
    moved = np.log(after.factors[both] / before.factors[both])
    a, b = after.error_model.a / before.error_model.a, after.error_model.b / before.error_model.b
    exchanged = np.count_nonzero(before.outliers != after.outliers)
    return bool(np.std(moved) < 0.002 and abs(a - 1) < 0.01 and abs(b - 1) < 0.01 and exchanged <= 1e-3 * len(both) + 1)


def _blank_images(
    experiments: Sequence[Experiment], observations: Observations, state: State
) -> tuple[tuple[int, int], ...]:
    """Images that were left out, as (experiment, image number)."""
    found: list[tuple[int, int]] = []
    for n, experiment in enumerate(experiments):
        frames = observations.at.frame[state.blank & (observations.experiment == n)].astype(np.intp)
        found += [(n, experiment.scan.image_range[0] + int(frame)) for frame in np.unique(frames)]
    return tuple(found)


def _experiments_with_models(experiments: Sequence[Experiment], solution: Solution) -> tuple[Experiment, ...]:
    state = solution.state
    extra: dict[str, Any] = {
        "error_model_type": "BasicErrorModel",
        "error_model_parameters": [state.error_model.a, state.error_model.b],
        "Imid": solution.i_mid,
    }
    result = []
    for n, (experiment, model) in enumerate(zip(experiments, state.models, strict=True)):
        uncertainty = state.fit.uncertainties[n] if state.fit else np.zeros(len(model.parameters))
        result.append(replace(experiment, scaling=to_dials(model, uncertainty, experiment, extra)))
    return tuple(result)


def _scaled_reflections(reflections: Reflections, observations: Observations, state: State) -> Reflections:
    """All reflections with the columns and flags of scaling."""
    n = len(reflections)
    seen = expectation(observations, state, state.kept)
    rows = observations.row
    measured = state.measured
    columns = {name: np.zeros(n) for name in ("intensity_scale", "variance_scale")}
    columns["inverse_scale"] = np.ones(n)
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
    experiments: Sequence[Experiment], observations: Observations, state: State
) -> tuple[ImageScales, ...]:
    ratios = image_ratios(observations, state, [e.scan.n_images for e in experiments])
    result = []
    for experiment, model, ratio in zip(experiments, state.models, ratios, strict=True):
        frame = np.arange(experiment.scan.n_images) + 0.5
        c, b = model.curves(frame)
        result.append(ImageScales(np.arange(len(frame)) + experiment.scan.image_range[0], c, b, ratio))
    return tuple(result)


def _count_parameters(state: State) -> dict[str, int]:
    counts = {"scale": 0, "decay": 0, "absorption": 0}
    for model in state.models:
        for name, part in zip(counts, model.slices, strict=True):
            counts[name] += part.stop - part.start
    return {name: n for name, n in counts.items() if n}


__all__ = ["ImageScales", "ScaleParams", "ScaleResult", "format_scale", "scale", "solve"]
