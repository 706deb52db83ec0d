"""Put experiments and reflections in another basis, by an operator that the user gives."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.errors import ConfigurationError
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import primitive_basis, space_group_named, symbol
from autoproc.symmetry.reindex import operator_of, parse_basis, reindex_experiment, reindex_reflections
from autoproc.symmetry.reindex_params import ReindexParams
from autoproc.symmetry.settings import centring

MAX_LENGTH_ERROR = 0.05
"""Relative; the cell may miss its space group's symmetry by as much as a known cell may miss the data's in indexing."""
MAX_ANGLE_ERROR = 5.0
"""Degrees, likewise."""


class CellDeniesSpaceGroup(ConfigurationError):
    """A space group asked for that the new axes cannot have."""

    what = (
        "{space_group} is not possible with the cell {cell} of experiment {number} after change_of_basis_op={operator}"
    )
    hint = (
        "give the operator that leads to the axes of that space group (`autoproc bravais-settings` lists them), or none"
    )


@single_threaded_blas
def reindex(
    experiments: Sequence[Experiment], reflections: Reflections | None, params: ReindexParams
) -> tuple[list[Experiment], Reflections | None]:
    """Experiments and reflections (None if there are none) in the new basis.

    Raises BadChangeOfBasis, also where indices would become fractional, and CellDeniesSpaceGroup.
    """
    matrix = parse_basis(params.change_of_basis_op)
    for number, experiment in enumerate(experiments):
        _check_cell(experiment, number, matrix, params)
    new = [reindex_experiment(e, matrix, _space_group(e, matrix, params)) for e in experiments]
    if reflections is None:
        return new, None
    return new, reindex_reflections(reflections, dict.fromkeys(range(len(new)), matrix))


@single_threaded_blas
def reindex_table(reflections: Reflections, params: ReindexParams) -> Reflections:
    """Reflections of any number of experiments in the new basis. Raises BadChangeOfBasis."""
    matrix = parse_basis(params.change_of_basis_op)
    ids = np.unique(reflections["experiment_id"])
    return reindex_reflections(reflections, {int(n): matrix for n in ids if n >= 0})


def _check_cell(experiment: Experiment, number: int, matrix: np.ndarray, params: ReindexParams) -> None:
    """Raises CellDeniesSpaceGroup where the wanted group's symmetry or centring is not that of the new cell."""
    wanted = None if params.space_group is None else space_group_named(params.space_group)
    if wanted is None or experiment.crystal is None:
        return
    free = np.array(experiment.crystal.reindexed(operator_of(matrix)).cell)
    constrained = np.array(reindex_experiment(experiment, matrix, wanted).crystal.cell)  # type: ignore[union-attr]
    is_near = (
        np.abs(free[:3] / constrained[:3] - 1).max() < MAX_LENGTH_ERROR
        and np.abs(free[3:] - constrained[3:]).max() < MAX_ANGLE_ERROR
    )
    kind = centring(matrix @ np.linalg.inv(primitive_basis(experiment.crystal.space_group)))
    is_known = experiment.crystal.space_group.number > 1 or abs(np.linalg.det(matrix)) > 1 + 1e-6
    if not is_near or (is_known and kind != centring(np.linalg.inv(primitive_basis(wanted)))):
        raise CellDeniesSpaceGroup(
            space_group=symbol(wanted),
            cell=" ".join(f"{x:.2f}" for x in free),
            number=number,
            operator=params.change_of_basis_op,
        )


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
