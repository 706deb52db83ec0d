"""Reflections in the reciprocal asymmetric unit, as CCP4 and MTZ files define it."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.models.space_group import rotations_of

PLACES = np.array([1 << 42, 1 << 21, 1])
"""Indices times these add up to a number of their own, as long as they stay below 350 000."""
ROWS = 1 << 15
"""Worked on at a time, so that what lies between stays in the cache."""
DENSE = 64
"""Boxes of indices with at most so many places an observation are counted through; in others, rows are sorted."""


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
    rotations = rotations_of(space_group)
    for begin in range(0, len(hkl), ROWS):
        rows = slice(begin, begin + ROWS)
        _fill_isym(isym[rows], hkl[rows].T.astype(np.int64), asu[rows].T.astype(np.int64), rotations)
    return asu, isym


def _fill_isym(isym: np.ndarray, hkl: np.ndarray, asu: np.ndarray, rotations: np.ndarray) -> None:
    """Write ISYM (n,) of the first rotation that maps hkl (3, n) or its Friedel mate to asu (3, n)."""
    target = linear_code(asu, PLACES)
    for number in range(len(rotations) - 1, -1, -1):
        image = linear_code(hkl, rotations[number] @ PLACES)
        isym[image == -target] = 2 * number + 2
        isym[image == target] = 2 * number + 1


def linear_code(hkl: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N,) int64 sum of hkl (3, N) int64 times places (3,); that of hkl @ rotation has places rotation @ places."""
    h, k, m = hkl
    code = h * places[0]
    code += k * places[1]
    code += m * places[2]
    return code


def group_unique(hkl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unique rows of hkl (N, 3), sorted by h, k, l, and for each row the number of its unique one (N,)."""
    if not len(hkl):
        return hkl.copy(), np.zeros(0, np.intp)
    low = hkl.min(axis=0).astype(np.int64)
    span = hkl.max(axis=0).astype(np.int64) - low + 1
    offset = hkl - low
    key = (offset[:, 0] * span[1] + offset[:, 1]) * span[2] + offset[:, 2]
    n_places = int(span[0]) * int(span[1]) * int(span[2])
    if n_places > DENSE * len(hkl):
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        return hkl[first], inverse
    number = np.zeros(n_places, np.intp)
    number[key] = 1
    present = np.flatnonzero(number)
    number[present] = np.arange(len(present))
    rest, m = np.divmod(present, span[2])
    h, k = np.divmod(rest, span[1])
    return (np.stack([h, k, m], axis=1) + low).astype(hkl.dtype), number[key]


def complete_set(
    cell: gemmi.UnitCell, space_group: gemmi.SpaceGroup, d_min: float, d_max: float = np.inf
) -> np.ndarray:
    """(N, 3) int32: all unique reflections between d_max and d_min, without systematic absences."""
    hkl = gemmi.make_miller_array(cell, space_group, d_min, 0.0 if np.isinf(d_max) else d_max)
    return np.asarray(hkl, np.int32).reshape(-1, 3)
