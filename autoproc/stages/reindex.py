"""Put experiments and reflections in another basis, by an operator that the user gives."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import SpaceGroupName, primitive_basis, space_group_named
from autoproc.params import Params
from autoproc.symmetry.reindex import (
    parse_basis,
    reindex_experiment,
    reindex_reflections,
)
from autoproc.symmetry.settings import centring


class ReindexParams(Params):
    """Parameters of reindexing."""

    change_of_basis_op: str = "a,b,c"
    """New axes in terms of the old, "b+c,a+c,a+b"; hkl notation means the same."""
    space_group: SpaceGroupName | None = None
    """Space group of the result, to whose metric the cell is then constrained; none is P 1, or the group that
    it had where the operator leaves the axes as they are."""


@single_threaded_blas
def reindex(
    experiments: Sequence[Experiment], reflections: Reflections | None, params: ReindexParams
) -> tuple[list[Experiment], Reflections | None]:
    """Experiments and reflections (None if there are none) in the new basis.

    Raises BadChangeOfBasis, also where indices would become fractional.
    """
    matrix = parse_basis(params.change_of_basis_op)
    new = [reindex_experiment(e, matrix, _space_group(e, matrix, params)) for e in experiments]
    if reflections is None:
        return new, None
    return new, reindex_reflections(reflections, dict.fromkeys(range(len(new)), matrix))


def _space_group(experiment: Experiment, matrix: np.ndarray, params: ReindexParams) -> gemmi.SpaceGroup:
    wanted = None if params.space_group is None else space_group_named(params.space_group)
    if wanted is not None:
        return wanted
    if experiment.crystal is None:
        return gemmi.SpaceGroup("P 1")
    if np.array_equal(matrix, np.eye(3)):
        return experiment.crystal.space_group
    kind = centring(matrix @ np.linalg.inv(primitive_basis(experiment.crystal.space_group)))
    return gemmi.SpaceGroup("P 1" if kind not in "ABCFI" else f"{kind} 1")
