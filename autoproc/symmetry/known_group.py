"""The group that the user knows the crystal to have, among those of the lattice."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.errors import ConfigurationError
from autoproc.models.crystal import Crystal
from autoproc.models.space_group import space_group_named, symbol
from autoproc.symmetry.absences import Absences
from autoproc.symmetry.given_setting import GivenSetting, given_setting
from autoproc.symmetry.laue_group import SubgroupScore
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.space_group_choice import wanted_group


class ImpossibleSpaceGroup(ConfigurationError):
    """A space group asked for that the lattice does not have."""

    what = "{space_group} is not possible: the lattice has at most {lattice_group} within {max_delta} degrees"
    hint = (
        "give none to see what the lattice has (symmetry.space_group=none symmetry.laue_group=none, and where a sweep "
        "is processed as a whole index.space_group=none too); if the cell is right but badly refined, "
        "symmetry.max_delta=5 allows more"
    )


def known_laue_group(subgroups: Sequence[SubgroupScore], params: SymmetryParams) -> SubgroupScore | None:
    """The most likely group of the kind that the user knows it to be; None where nothing is known.

    Raises ImpossibleSpaceGroup.
    """
    wanted = wanted_group(params) or (space_group_named(params.laue_group) if params.laue_group is not None else None)
    if wanted is None:
        return None
    for score in subgroups:
        if _same_laue_group(wanted, score.subgroup.patterson):
            return score
    largest = max((s.subgroup for s in subgroups), key=lambda g: g.order)
    raise ImpossibleSpaceGroup(
        space_group=symbol(wanted), lattice_group=symbol(largest.patterson), max_delta=params.max_delta
    )


def known_setting(
    best: SubgroupScore, absences: Absences, params: SymmetryParams, crystal: Crystal | None, to_reduced: np.ndarray
) -> GivenSetting | None:
    """The axes of the space group that the user knows; None if it is not known.

    crystal : as it was given; to_reduced : (3, 3) from its basis to that of the lattice
    Raises ImpossibleSpaceGroup.
    """
    wanted = wanted_group(params)
    if wanted is None:
        return None
    has_own = crystal is not None and crystal.space_group.number > 1
    kept = np.linalg.inv(best.subgroup.basis @ to_reduced) if has_own else None
    setting = given_setting(wanted, best.subgroup, absences, params.unit_cell, kept)
    if setting is None:
        raise ImpossibleSpaceGroup(
            space_group=symbol(wanted), lattice_group=symbol(best.subgroup.patterson), max_delta=params.max_delta
        )
    return setting


def _same_laue_group(wanted: gemmi.SpaceGroup, patterson: gemmi.SpaceGroup) -> bool:
    """The same rotations and centring, whatever the setting."""
    laue = gemmi.SpaceGroup(wanted.number).operations().derive_symmorphic()
    laue.add_inversion()
    found = gemmi.find_spacegroup_by_ops(laue)
    return found is not None and found.number == patterson.number
