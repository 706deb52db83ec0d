"""How well a strength of absorption correction does on reflections that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from autoproc.merging.agreement import group_agreement
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.absorption import n_harmonics
from autoproc.scaling.model import PhysicalModel
from autoproc.scaling.observations import Observations, observations_for_scaling
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.solve import ABSORPTION, continued
from autoproc.scaling.state import State, expectation, fitted, with_models

if TYPE_CHECKING:
    from autoproc.scaling.result import ScaleResult

N_FITS = 2
"""Fits of each fold: the first starts from a flat surface, the second with weights that know the surface."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What reflections held out of scaling say of it.

    r_meas : over all of them, None where there are too few; deviance : (G,) sum of squared deviations from the mean
    of equivalents over their variances, of each unique reflection, by the same error model for every level
    """

    r_meas: float | None
    deviance: np.ndarray


def held_out_agreement(
    experiments: Sequence[Experiment],
    reflections: Reflections,
    params: ScaleParams,
    scaled: ScaleResult,
    n_folds: int = 2,
) -> HeldOut:
    """Fit the scales n_folds times, each time without every n-th unique reflection, and judge those left out.

    scaled : a scaling of the same reflections; its error model, outliers' limits, shadows and blank images hold here,
    so that levels differ in their surfaces only. params.absorption_level, d_min and d_max count.
    """
    observations = observations_for_scaling(
        experiments, reflections, params.min_partiality, params.min_i_over_sigma, params.d_min, params.d_max
    )
    lmax, restraint = ABSORPTION[params.absorption_level]
    state = continued(experiments, observations, scaled.start)
    state = replace(state, outliers=~scaled.reflections.has_flag(Flag.SCALED)[observations.row])
    models = [with_flat_surface(model, lmax) for model in state.models]
    flat = with_models(experiments, observations, state, models)
    fold = np.random.default_rng(0).permutation(len(observations.groups)) % n_folds
    factors = np.ones(len(observations))
    for n in range(n_folds):
        free = fold[observations.groups.group] == n
        folded = replace(flat, held_out=free)
        for _ in range(N_FITS):
            folded = fitted(experiments, observations, folded, restraint, params.max_observations)
        factors[free] = folded.factors[free]
    return _judged(observations, replace(flat, factors=factors))


def with_flat_surface(model: PhysicalModel, lmax: int) -> PhysicalModel:
    """The model with its scale and decay, and a surface of another degree with all coefficients 0."""
    kept = model.parameters[: model.slices[2].start]
    return replace(model, lmax=lmax, parameters=np.concatenate([kept, np.zeros(n_harmonics(lmax))]))


def _judged(observations: Observations, state: State) -> HeldOut:
    use = state.kept
    use = use & (observations.groups.subset(use).count[observations.groups.group] > 1)
    if not use.any():
        return HeldOut(None, np.zeros(len(observations.groups)))
    seen = expectation(observations, state, use)
    z2 = np.where(use, (state.intensity - seen.expected) ** 2 / seen.variance, 0.0)
    rows = np.flatnonzero(use)
    g = state.factors[rows]
    agreement = group_agreement(
        observations.groups.subset(use), state.intensity[rows] / g, np.sqrt(seen.variance[rows]) / g
    )
    return HeldOut(agreement.r_meas, observations.groups.sum(z2))
