"""Which data sets have reflections in common: between others no fit can tell the scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from autoproc.scaling.model import PhysicalModel

LISTED = 8
"""Parts that are named."""


def linked_parts(experiment: np.ndarray, group: np.ndarray, n_experiments: int) -> np.ndarray:
    """(n_experiments,) number of the part that each experiment is of, through chains of reflections in common.

    experiment, group : (N,) of observations; groups are of equivalents, from 0
    """
    n_groups = int(group.max(initial=-1)) + 1
    size = n_experiments + n_groups
    links = coo_array((np.ones(len(group)), (experiment, n_experiments + group)), shape=(size, size))
    labels = connected_components(links, directed=False)[1][:n_experiments]
    return np.unique(labels, return_inverse=True)[1].ravel()


def with_parts_held(
    models: Sequence[PhysicalModel], before: Sequence[PhysicalModel], parts: np.ndarray
) -> tuple[PhysicalModel, ...]:
    """The models after a fit, each part with the mean scale that it had before it.

    What a fit makes of the scale between parts is rounding: of sweeps without a reflection in common it made one four
    times the other (real). All are left as they are where there is one part.
    """
    if len(set(parts.tolist())) < 2:
        return tuple(models)
    held = []
    mean_after, mean_before = (np.array([m.parameters[m.slices[0]].mean() for m in some]) for some in (models, before))
    for model, part in zip(models, parts, strict=True):
        same = parts == part
        parameters = model.parameters.copy()
        parameters[model.slices[0]] *= mean_before[same].mean() / max(mean_after[same].mean(), 1e-12)
        held.append(model.with_parameters(parameters))
    return tuple(held)


def words_of_parts(parts: Mapping[int, int]) -> list[str]:
    """That data sets are not linked, by the part that each is of, in words; empty where all are."""
    numbers = sorted(set(parts.values()))
    if len(numbers) < 2:
        return []
    named = "; ".join(", ".join(str(n) for n, own in parts.items() if own == part) for part in numbers[:LISTED])
    more = "; ..." if len(numbers) > LISTED else ""
    return [
        f"some data sets share no whole reflection, not even equivalents (experiments {named}{more} are apart): "
        "their scales are taken as equal; more rotation, or a higher symmetry if it is known, links them"
    ]
