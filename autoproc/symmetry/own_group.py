"""The Laue group that a crystal was indexed with, where the data cannot tell it from others: there it stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.models.crystal import Crystal
from autoproc.models.space_group import proper_rotations_of
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.laue_group import SubgroupScore
from autoproc.symmetry.settings import in_basis


def likeliest(
    subgroups: Sequence[SubgroupScore], crystal: Crystal, to_reduced: np.ndarray, lattice: LatticeSymmetry
) -> SubgroupScore:
    """The most likely group; of several that are equally likely the one that the crystal was indexed with.

    subgroups : the most likely first; to_reduced : (3, 3) from the crystal's basis to that of the lattice
    Groups are equally likely where no pair of reflections tells them apart, as in a narrow wedge.
    """
    equal = [s for s in subgroups if round(s.likelihood, 9) == round(subgroups[0].likelihood, 9)]
    if crystal.space_group.number == 1:
        return equal[0]
    own = {w.tobytes() for w in in_basis(proper_rotations_of(crystal.space_group), to_reduced)}
    has = [w.tobytes() for w in np.asarray(lattice.rotations, int)]
    return next((s for s in equal if {has[m] for m in s.subgroup.members} == own), equal[0])
