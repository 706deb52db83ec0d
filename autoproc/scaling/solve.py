"""The cycles of scaling: models, outliers and errors in turn until nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.scaling.combine import PROFILE, SUMMATION, Candidate, best_choice, blend
from autoproc.scaling.model import model_for
from autoproc.scaling.observations import Observations
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.state import (
    State,
    fitted,
    initial_state,
    with_blank_images,
    with_error_model,
    with_intensities,
    with_outliers,
    with_shadows,
    with_steady_variances,
)

ABSORPTION = {"off": (0, 0.0), "low": (4, 5e5), "medium": (6, 5e4), "high": (6, 5e3)}
"""lmax of the surface and the weight that restrains its coefficients."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The state at the end, and how it was reached; absorption_restraint weighs the squared coefficients."""

    state: State
    candidates: tuple[Candidate, ...]
    i_mid: float
    absorption_restraint: float
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
        if cycle == 1 and params.min_image_ratio > 0:
            state = _without_blank_images(experiments, observations, state, params, restraint)
        if cycle == 1 and params.intensity_choice == "combine":
            candidates = best_choice(observations, state.factors, state.kept & ~state.held_out)
            i_mid = candidates[0].i_mid
            state = with_intensities(state, blend(observations, i_mid))
        if params.error_model:
            state = with_steady_variances(observations, state)
        state = with_outliers(observations, state, params.outlier_zmax)
        if params.error_model:
            state = with_error_model(observations, state, params.min_expected_intensity)
        converged = cycle > 2 and _is_settled(before, state)
        if converged:
            break
    state = with_outliers(observations, state, params.outlier_zmax)
    if params.error_model and params.anomalous:
        state = with_error_model(observations, state, params.min_expected_intensity, anomalous=True)
    return Solution(state, candidates, i_mid, restraint, cycle, converged)


def _without_blank_images(
    experiments: Sequence[Experiment], observations: Observations, state: State, params: ScaleParams, restraint: float
) -> State:
    """The state with blank images left out, and fitted again if there are any."""
    state = with_blank_images(observations, state, params.min_image_ratio)
    if not state.blank.any():
        return state
    state = with_outliers(observations, state, params.outlier_zmax)
    return fitted(experiments, observations, state, restraint, params.max_observations)


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
