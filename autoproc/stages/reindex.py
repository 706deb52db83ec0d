"""Put experiments and reflections in another basis, by an operator that the user gives."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.errors import ConfigurationError
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import primitive_basis, rotations_of, space_group_named, symbol
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


def lost_groups(old: Sequence[Experiment], new: Sequence[Experiment]) -> list[str]:
    """The space groups that experiments had before reindexing and have not after it, a sentence each."""
    pairs = ((a.crystal, b.crystal) for a, b in zip(old, new, strict=True))
    groups = {(symbol(a.space_group), symbol(b.space_group)) for a, b in pairs if a is not None and b is not None}
    return [
        f"the space group was {was} and is {found} in the new axes, which the symmetry of {was} does not fit as it "
        "stands: space_group= states the one of these axes"
        for was, found in sorted(groups)
        if was != found
    ]


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
    if _maps_to_itself(experiment.crystal.space_group, matrix):
        return experiment.crystal.space_group
    kind = centring(matrix @ np.linalg.inv(primitive_basis(experiment.crystal.space_group)))
    return gemmi.SpaceGroup("P 1" if kind not in "ABCFI" else f"{kind} 1")


def _maps_to_itself(group: gemmi.SpaceGroup, matrix: np.ndarray) -> bool:
    """Whether the axes after a change of basis (3, 3) have the same space group, its origin aside.

    Conjugates of a group are of its type, so that rotations on the same axes and absences of the same indices, which
    are screws and centrings along them, make it the same. P 21 21 2 with other axes is not.
    """
    turn = np.rint(matrix)
    if np.abs(matrix - turn).max() > 1e-6 or round(float(np.linalg.det(turn))) != 1:
        return False
    rotations = rotations_of(group)
    turned = np.rint(np.linalg.inv(turn).T @ rotations @ turn.T)
    if {w.tobytes() for w in turned.astype(int)} != {w.tobytes() for w in rotations.astype(int)}:
        return False
    hkl = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3), axis=-1).reshape(-1, 3)
    is_absent = group.operations().systematic_absences
    return np.array_equal(is_absent(hkl.astype(np.int32)), is_absent((hkl @ turn.T).astype(np.int32)))
