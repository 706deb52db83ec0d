"""Does a richer scaling model help, or does it fit noise? Reflections that it has not seen tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.errors import NoReflections
from autoproc.merging.agreement import group_agreement
from autoproc.merging.correlation import half_set_correlations
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.scaling.observations import Observations, observations_for_scaling
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.solve import solve
from autoproc.scaling.state import State


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Agreement of the unique reflections that decided the scales (work) and of those that did not (free).

    Means over the folds; None where there are too few. A richer model is better where the free values are.
    """

    r_meas_work: float | None
    r_meas_free: float | None
    cc_half_work: float | None
    cc_half_free: float | None
    n_folds: int


def cross_validate(
    experiments: Sequence[Experiment], reflections: Reflections, params: ScaleParams, n_folds: int = 4
) -> CrossValidation:
    """Scale n_folds times, each time without every n-th unique reflection, and judge both parts.

    Outliers, shadows and blank images are sought anew each time. Raises NoReflections.
    """
    observations = observations_for_scaling(
        experiments, reflections, params.min_partiality, params.min_i_over_sigma, params.d_min, params.d_max
    )
    fold = _folds(len(observations.groups), n_folds)[observations.groups.group]
    found = []
    for n in range(n_folds):
        free = fold == n
        if free.all() or not free.any():
            raise NoReflections(stage="cross-validation", reason=f"{len(observations.groups)} unique reflections")
        state = solve(experiments, observations, params, held_out=free).state
        found.append((*_agreement(observations, state, ~free), *_agreement(observations, state, free)))
    r_work, cc_work, r_free, cc_free = (_mean(values) for values in zip(*found, strict=True))
    return CrossValidation(r_work, r_free, cc_work, cc_free, n_folds)


def _folds(n_groups: int, n_folds: int) -> np.ndarray:
    """(n_groups,) fold of each group: equal shares, drawn the same way every time."""
    return np.random.default_rng(0).permutation(n_groups) % n_folds


def _agreement(observations: Observations, state: State, part: np.ndarray) -> tuple[float | None, float | None]:
    use = state.kept & part
    groups = observations.groups.subset(use)
    scaled = state.intensity[use] / state.factors[use]
    sigma = np.sqrt(state.error_model.variance(state.variance[use], state.intensity[use])) / state.factors[use]
    everywhere = np.ones(len(groups), bool)
    return (
        group_agreement(groups, scaled, sigma).r_meas,
        half_set_correlations(groups, scaled, sigma).cc_half(everywhere)[0],
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
