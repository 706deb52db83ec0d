"""The rotations of a lattice and the Laue groups that they make, scored by intensities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.symmetry.corrected_observations import CorrectedObservations
from autoproc.symmetry.elements import (
    SD_PRESCALED,
    SD_UNSCALED,
    CorrelationModel,
    ElementScore,
    correlation_model,
    for_weak_data,
    merge_friedel,
    score_elements,
)
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.laue_group import SubgroupScore, score_subgroups
from autoproc.symmetry.normalise import MAX_E2, Normalised
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.space_group_choice import monoclinic_setting
from autoproc.symmetry.subgroups import find_subgroups
from autoproc.threads import side_by_side


@dataclass(frozen=True, slots=True)
class ScoredLattice:
    """model : what correlations to expect; elements : a score for each rotation; subgroups : the most likely first."""

    model: CorrelationModel
    elements: tuple[ElementScore, ...]
    subgroups: tuple[SubgroupScore, ...]


def score_lattice(
    lattice: LatticeSymmetry,
    observations: CorrectedObservations,
    normalised: Normalised,
    params: SymmetryParams,
    are_many: bool,
) -> ScoredLattice:
    """Score each rotation of the lattice and each group of them, Evans (2006), Acta D62, 72.

    observations : in the reduced basis of the lattice; normalised : the same, in the same order
    are_many : of several data sets that were brought into one setting by their correlations
    """
    usual = np.abs(normalised.e2) < MAX_E2
    e2, sigma = normalised.e2[usual], normalised.sigma[usual]
    merged = merge_friedel(observations.hkl[usual], e2)
    min_sd = SD_PRESCALED if params.prescale else SD_UNSCALED
    model = correlation_model(merged, lattice.rotations, e2, sigma, min_sd)
    if are_many:
        model = for_weak_data(model, int((merged.count > 1).sum()))
    elements, groups = side_by_side(
        lambda: score_elements(merged, lattice.rotations, model),
        lambda: find_subgroups(lattice, monoclinic_setting(params)),
    )
    return ScoredLattice(model, elements, score_subgroups(groups, elements))
