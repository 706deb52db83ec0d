"""Space groups in other axes: whether a change of basis keeps one, and the change to another setting of its type."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.models.crystal import Crystal
from autoproc.models.space_group import rotations_of
from autoproc.symmetry.given_setting import changes_of_reference, from_reference, unusual
from autoproc.symmetry.reindex import operator_of

FREE = ("monoclinic", "orthorhombic")
"""Crystal systems whose settings leave a choice of axes: between cells, or lengths, of one symbol."""


def is_other_setting(group: gemmi.SpaceGroup, wanted: gemmi.SpaceGroup) -> bool:
    """Whether two space groups are of one type, and of other axes: C 2 and I 2, P 21 21 2 and P 2 21 21."""
    return bool(group.number == wanted.number) and not is_same_in(group, wanted, np.eye(3))


def in_new_axes(group: gemmi.SpaceGroup, matrix: np.ndarray) -> gemmi.SpaceGroup | None:
    """What a space group is called after a change of basis (3, 3), itself if it can be; None if it has no name."""
    settings = [group, *(g for g in gemmi.spacegroup_table() if g.number == group.number)]
    return next((setting for setting in settings if is_same_in(group, setting, matrix)), None)


def to_other_setting(crystal: Crystal, wanted: gemmi.SpaceGroup) -> np.ndarray:
    """(3, 3) change from the axes of a crystal to those of another setting of its space group's type.

    The tables (International Tables A, Table 1.5.4.4) have one change for each pair of settings. Where other axes have
    the same symbol, those of convention are taken: the least oblique cell, of these the shortest, a <= b <= c.
    """
    own = crystal.space_group
    forth, back = from_reference(wanted), np.linalg.inv(from_reference(own))
    if wanted.crystal_system_str() not in FREE:
        return np.asarray(forth @ back)
    changes = np.array([m for m in forth @ changes_of_reference(wanted) @ back if is_same_in(own, wanted, m)])
    cells = np.array([crystal.reindexed(operator_of(change)).cell for change in changes])
    plainness = -changes.sum(axis=(1, 2)).round(6)
    return np.asarray(changes[np.lexsort((plainness, unusual(cells)))[0]])


def is_same_in(group: gemmi.SpaceGroup, new: gemmi.SpaceGroup, matrix: np.ndarray) -> bool:
    """Whether a space group, its origin aside, is another one, or itself, in the axes after a change of basis (3, 3).

    Conjugates of a group are of its type, so that rotations on the same axes and absences of the same indices, which
    are screws, glides and centrings along them, make it the same. P 21 21 2 with other axes is not itself.
    """
    turned = np.linalg.inv(matrix).T @ rotations_of(group) @ np.asarray(matrix, float).T
    whole = np.rint(turned)
    if np.abs(turned - whole).max() > 1e-6:
        return False
    if {w.tobytes() for w in whole.astype(int)} != {w.tobytes() for w in rotations_of(new).astype(int)}:
        return False
    there, back = np.asarray(matrix, float), np.linalg.inv(matrix)
    return _has_absences_of(group, new, there) and _has_absences_of(new, group, back)


def _has_absences_of(group: gemmi.SpaceGroup, new: gemmi.SpaceGroup, matrix: np.ndarray) -> bool:
    """Whether absences are those of another group after a change of basis; reflections without a place there are."""
    after = INDICES @ matrix.T
    is_whole = np.abs(after - np.rint(after)).max(axis=1) < 1e-6
    absent = group.operations().systematic_absences(INDICES)
    moved = np.ascontiguousarray(np.rint(after[is_whole]), np.int32)
    return bool(absent[~is_whole].all()) and np.array_equal(
        absent[is_whole], new.operations().systematic_absences(moved)
    )


INDICES = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3), axis=-1).reshape(-1, 3).astype(np.int32)
"""(2197, 3) reflections whose absences tell groups of one type and of the same rotations apart."""
