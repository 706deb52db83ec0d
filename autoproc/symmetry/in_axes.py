"""What was found in one set of axes, as it is called in others: one crystal is spoken of in one setting."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np

from autoproc.models.space_group import rotations_of
from autoproc.symmetry.absences import Absences, ScrewAxis, absence_signature


def space_group_in(group: gemmi.SpaceGroup, change: np.ndarray) -> gemmi.SpaceGroup:
    """The tabulated setting of a space group after a change of axes (3, 3), new = change @ old.

    Where the change moves the origin too, the setting with the same rotations, centring and absences is meant, of two
    choices of the origin the one that the group has; where there is none, the group is returned as it is.
    """
    operations = group.operations()
    operator = gemmi.Op()
    operator.rot = np.rint(np.linalg.inv(change).T * gemmi.Op.DEN).astype(int).tolist()
    operations.change_basis_forward(operator)
    found = gemmi.find_spacegroup_by_ops(operations)
    if found is not None:
        return found
    rotations = {np.array(op.rot).tobytes() for op in operations.sym_ops}
    signature = absence_signature(group, np.linalg.inv(change))
    for setting in sorted(gemmi.spacegroup_table(), key=lambda other: other.ext != group.ext):
        if setting.number != group.number or absence_signature(setting) != signature:
            continue
        if {(w * gemmi.Op.DEN).tobytes() for w in rotations_of(setting)} == rotations:
            return setting
    return group


def named_in(group: gemmi.SpaceGroup, change: np.ndarray) -> str:
    """The name of a space group after a change of axes; its own where that setting has none."""
    return str(space_group_in(group, change).xhm())


def absences_in(absences: Absences, change: np.ndarray) -> Absences:
    """The same screw axes and space groups after a change of axes (3, 3)."""
    return replace(
        absences,
        glide_planes=tuple(plane.in_axes(change) for plane in absences.glide_planes),
        screw_axes=tuple(_screw_axis_in(screw, change) for screw in absences.screw_axes),
        candidates=tuple(
            replace(c, groups=tuple(space_group_in(g, change) for g in c.groups)) for c in absences.candidates
        ),
    )


def _screw_axis_in(screw: ScrewAxis, change: np.ndarray) -> ScrewAxis:
    """Along which of the new axes it lies; as it was where it lies along none."""
    direction = np.eye(3)["abc".index(screw.name[-1])] @ np.linalg.inv(change)
    along = np.flatnonzero(np.abs(direction) > 1e-6)
    return replace(screw, name=f"{screw.name[:-1]}{'abc'[along[0]]}") if len(along) == 1 else screw
