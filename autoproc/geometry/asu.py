"""Reflections in the reciprocal asymmetric unit, as CCP4 and MTZ files define it."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.models.space_group import rotations_of


def to_asu(hkl: np.ndarray, space_group: gemmi.SpaceGroup) -> tuple[np.ndarray, np.ndarray]:
    """Map hkl (N, 3) into the asymmetric unit.

    Returns the mapped indices, (N, 3) int32, and ISYM, (N,) int32, as in the M/ISYM column: 2 n + 1
    where rotation n of the group maps hkl there (a plus), 2 n + 2 where it maps -hkl (a minus).
    """
    hkl = np.ascontiguousarray(hkl, np.int32)
    table = gemmi.Mtz(with_base=True)
    table.spacegroup = space_group
    table.set_data(hkl.astype(np.float32))
    table.ensure_asu()
    asu = np.rint(np.asarray(table.array)[:, :3]).astype(np.int32)
    isym = np.zeros(len(hkl), np.int32)
    for number, rotation in enumerate(rotations_of(space_group)):
        image = hkl @ rotation
        for sign, code in ((1, 2 * number + 1), (-1, 2 * number + 2)):
            fits = (isym == 0) & np.all(sign * image == asu, axis=1)
            isym[fits] = code
    return asu, isym


def group_unique(hkl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unique rows of hkl (N, 3), sorted by h, k, l, and for each row the number of its unique one (N,)."""
    if not len(hkl):
        return hkl.copy(), np.zeros(0, np.intp)
    low = hkl.min(axis=0).astype(np.int64)
    span = hkl.max(axis=0).astype(np.int64) - low + 1
    offset = hkl - low
    key = (offset[:, 0] * span[1] + offset[:, 1]) * span[2] + offset[:, 2]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return hkl[first], inverse


def complete_set(
    cell: gemmi.UnitCell, space_group: gemmi.SpaceGroup, d_min: float, d_max: float = np.inf
) -> np.ndarray:
    """(N, 3) int32: all unique reflections between d_max and d_min, without systematic absences."""
    hkl = gemmi.make_miller_array(cell, space_group, d_min, 0.0 if np.isinf(d_max) else d_max)
    return np.asarray(hkl, np.int32).reshape(-1, 3)
