"""Which space groups are compared, and in which setting the best is used."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.models.space_group import space_group_named
from autoproc.symmetry.absences import Absences, SpaceGroupScore, analyse_absences, standard_setting
from autoproc.symmetry.given_setting import setting_with_cell
from autoproc.symmetry.glide_planes import analyse_all_groups, reference_axes, share_of_achiral
from autoproc.symmetry.normalise import Normalised
from autoproc.symmetry.params import MONOCLINIC, SymmetryParams
from autoproc.symmetry.settings import MonoclinicSetting
from autoproc.symmetry.subgroups import Subgroup

SMALL_CELL = 6000.0
"""Angstrom^3 of a primitive cell, below which a crystal may be of small molecules without it being said. A protein of
50 residues in P 1 has 10 000; most organic and metal-organic crystals have 500 to 5000. By usual packing, not fitted.
"""
BEYOND_DOUBT = 0.95
"""Probability of groups with mirrors or centres together, or of those without, from which this comparison counts where
it was not asked for; in between only groups without are compared."""


def wanted_group(params: SymmetryParams) -> gemmi.SpaceGroup | None:
    """The space group that the user knows."""
    return None if params.space_group is None else space_group_named(params.space_group)


def monoclinic_setting(params: SymmetryParams) -> MonoclinicSetting:
    """C where the user gave a C-centred space group, otherwise as asked for."""
    wanted = wanted_group(params)
    if wanted is not None and wanted.hm[0] == "C":
        return "C2"
    return MONOCLINIC.get(params.setting, params.monoclinic_setting)


def compared_groups(subgroup: Subgroup, hkl: np.ndarray, normalised: Normalised, params: SymmetryParams) -> Absences:
    """The space groups that the crystal may have, by its absences: chiral ones, or all of a small molecule.

    hkl : (N, 3) in the reduced basis
    """
    group = subgroup.space_group
    if not params.check_absences:
        return Absences((), (SpaceGroupScore((group,), 1.0),), True)
    observed = (group, hkl @ subgroup.basis.T, normalised.e2, normalised.sigma, normalised.mean)
    wanted = wanted_group(params)
    is_asked = params.small_molecule is True or (wanted is not None and not wanted.is_sohncke())
    if not is_asked and (params.small_molecule is False or primitive_volume(subgroup) > SMALL_CELL):
        return analyse_absences(*observed)
    absences = analyse_all_groups(*observed)
    is_told = abs(share_of_achiral(absences) - 0.5) > BEYOND_DOUBT - 0.5
    return absences if is_asked or is_told else analyse_absences(*observed)


def primitive_volume(subgroup: Subgroup) -> float:
    """Angstrom^3 of a primitive cell of the lattice."""
    return float(gemmi.UnitCell(*subgroup.cell).volume / abs(np.linalg.det(subgroup.basis)))


def setting_to_use(
    group: gemmi.SpaceGroup, subgroup: Subgroup, absences: Absences, params: SymmetryParams
) -> tuple[gemmi.SpaceGroup, np.ndarray]:
    """A space group that the data were found to have, in the setting to use, and the (3, 3) change to it."""
    if params.unit_cell is not None:
        setting = setting_with_cell(group, subgroup, absences, params.unit_cell)
        if setting is not None:
            return setting.group, setting.change
    if params.setting == "abc":
        return group, np.eye(3, dtype=int)
    return standard_setting(group, subgroup.cell) if group.is_sohncke() else reference_axes(group, params.setting)
