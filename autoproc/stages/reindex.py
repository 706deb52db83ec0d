"""Put experiments and reflections in another basis, by an operator that the user gives."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.errors import ConfigurationError
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import primitive_basis, space_group_named, symbol
from autoproc.symmetry.other_setting import in_new_axes, is_other_setting, to_other_setting
from autoproc.symmetry.reindex import (
    format_basis,
    operator_of,
    parse_basis,
    reindex_experiment,
    reindex_reflections,
)
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
        "give the operator that leads to the axes of that space group (`autoproc bravais-settings` lists them), or "
        "none: then the axes go to those of another setting, of the crystal's own space group only"
    )


@single_threaded_blas
def reindex(
    experiments: Sequence[Experiment], reflections: Reflections | None, params: ReindexParams
) -> tuple[list[Experiment], Reflections | None]:
    """Experiments and reflections (None if there are none) in the new basis.

    Raises BadChangeOfBasis, also where indices would become fractional, and CellDeniesSpaceGroup.
    """
    matrices = {number: change_of(experiment, params) for number, experiment in enumerate(experiments)}
    for number, experiment in enumerate(experiments):
        _check_cell(experiment, number, matrices[number], params)
    new = [reindex_experiment(e, matrices[n], _space_group(e, matrices[n], params)) for n, e in enumerate(experiments)]
    if reflections is None:
        return new, None
    return new, reindex_reflections(reflections, matrices)


def change_of(experiment: Experiment, params: ReindexParams) -> np.ndarray:
    """(3, 3) the change that was given; else to the setting of the wanted space group, where that is another one."""
    if params.change_of_basis_op is not None:
        return parse_basis(params.change_of_basis_op)
    wanted, crystal = _wanted(params), experiment.crystal
    if wanted is None or crystal is None or not is_other_setting(crystal.space_group, wanted):
        return np.eye(3)
    return to_other_setting(crystal, wanted)


def changes_told(old: Sequence[Experiment], new: Sequence[Experiment], params: ReindexParams) -> list[str]:
    """What a space group is called in new axes, and where these lie if no operator was given, a sentence each."""
    found: dict[tuple[str, str, str], None] = {}
    for one, other in _crystals(old, new):
        was, has = one.space_group, other.space_group
        if was.number == has.number and was.xhm() != has.xhm():
            found[symbol(was), symbol(has), format_basis(np.linalg.inv(other.A) @ one.A)] = None
    stays = "" if params.change_of_basis_op is not None else "; change_of_basis_op=a,b,c leaves the axes as they are"
    return [f"{was} is {has} in the new axes, {operator} of those before{stays}" for was, has, operator in found]


def _crystals(old: Sequence[Experiment], new: Sequence[Experiment]) -> list[tuple[Crystal, Crystal]]:
    pairs = ((a.crystal, b.crystal) for a, b in zip(old, new, strict=True))
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def _wanted(params: ReindexParams) -> gemmi.SpaceGroup | None:
    return None if params.space_group is None else space_group_named(params.space_group)


def lost_groups(old: Sequence[Experiment], new: Sequence[Experiment]) -> list[str]:
    """The space groups that experiments had before reindexing and have not after it, a sentence each."""
    groups = [(a.space_group, b.space_group) for a, b in _crystals(old, new)]
    lost = {(symbol(a), symbol(b)) for a, b in groups if a.number != b.number}
    return [
        f"the space group was {was} and is {found} in the new axes, for which {was} has no name: space_group= states "
        "the one of these axes"
        for was, found in sorted(lost)
    ]


@single_threaded_blas
def reindex_table(reflections: Reflections, params: ReindexParams) -> Reflections:
    """Reflections of any number of experiments in the new basis. Raises BadChangeOfBasis."""
    matrix = parse_basis(params.change_of_basis_op or "a,b,c")
    ids = np.unique(reflections["experiment_id"])
    return reindex_reflections(reflections, {int(n): matrix for n in ids if n >= 0})


def _check_cell(experiment: Experiment, number: int, matrix: np.ndarray, params: ReindexParams) -> None:
    """Raises CellDeniesSpaceGroup where the wanted group's symmetry or centring is not that of the new cell."""
    wanted = _wanted(params)
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
            operator=format_basis(matrix),
        )


def _space_group(experiment: Experiment, matrix: np.ndarray, params: ReindexParams) -> gemmi.SpaceGroup:
    wanted = _wanted(params)
    if wanted is not None:
        return wanted
    if experiment.crystal is None:
        return gemmi.SpaceGroup("P 1")
    same = in_new_axes(experiment.crystal.space_group, matrix)
    if same is not None:
        return same
    kind = centring(matrix @ np.linalg.inv(primitive_basis(experiment.crystal.space_group)))
    return gemmi.SpaceGroup("P 1" if kind not in "ABCFI" else f"{kind} 1")
