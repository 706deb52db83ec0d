"""Space groups: by name, and their operations as matrices."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import gemmi
import numpy as np
from pydantic import AfterValidator


def space_group_named(name: str) -> gemmi.SpaceGroup | None:
    """A space group by Hermann-Mauguin name, with or without spaces, or number; None if there is none."""
    if not name.isascii():  # which gemmi knows nothing of, and half of a surrogate pair it does not even take
        return None
    if name.strip().isdigit():
        return reference_setting(int(name)) if 1 <= int(name) <= 230 else None
    return gemmi.find_spacegroup_by_name(name)


def reference_setting(number: int) -> gemmi.SpaceGroup:
    """The standard setting of a space group by its number, 1 to 230; of two origins the one with the centre there.

    gemmi's own search by number gives the other origin, which SHELX cannot have.
    """
    return next(group for group in gemmi.spacegroup_table() if group.number == number and group.is_reference_setting())


def symbol(group: gemmi.SpaceGroup) -> str:
    """The Hermann-Mauguin symbol as people write it: P 21, not P 1 21 1, where that names the same setting."""
    full: str = group.xhm()
    parts = full.split()
    short = " ".join([parts[0], *(part for part in parts[1:] if part != "1")])
    named = gemmi.find_spacegroup_by_name(short) if len(parts) > 2 else None
    return short if named is not None and named.xhm() == full else full


@lru_cache(maxsize=1)
def symbols_by_system() -> dict[str, tuple[str, ...]]:
    """The 230 space groups in their standard settings, by crystal system in order of their numbers.

    Those of chiral molecules come first in each.
    """
    found: dict[str, list[gemmi.SpaceGroup]] = {}
    for group in gemmi.spacegroup_table():
        if group.is_reference_setting():
            found.setdefault(group.crystal_system_str(), []).append(group)
    for groups in found.values():
        groups.sort(key=lambda group: (not group.is_sohncke(), group.number))
    return {system: tuple(map(symbol, groups)) for system, groups in found.items()}


def _known(name: str) -> str:
    if space_group_named(name) is None:
        raise ValueError(f'{name!r} is not a space group; write "P 43 21 2", "P43212" or 96')
    return name


SpaceGroupName = Annotated[str, AfterValidator(_known)]
"""A parameter that names a tabulated space group."""


def rotations_of(space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(n, 3, 3) int rotation parts W of the operations, the identity first.

    They act on fractional coordinates, x' = W x, and on indices as rows, hkl' = hkl W.
    """
    return np.array([op.rot for op in space_group.operations().sym_ops]) // gemmi.Op.DEN


def proper_rotations_of(space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(n, 3, 3) int rotations of the Laue group, the identity first: of mirrors and centres the rotation in them."""
    return proper_parts(rotations_of(space_group))


def proper_parts(operations: np.ndarray) -> np.ndarray:
    """Of operations (n, 3, 3), proper or not, the rotations in them, each once, in their order."""
    turned = np.where(np.linalg.det(operations)[:, None, None] > 0, operations, -operations)
    _, first = np.unique(turned, axis=0, return_index=True)
    return np.asarray(turned[np.sort(first)])


def primitive_basis(space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(3, 3) basis change, right-handed: rows are the axes of a primitive cell in terms of the conventional ones."""
    matrix = np.array(space_group.centred_to_primitive().rot, float).T / gemmi.Op.DEN
    return matrix if np.linalg.det(matrix) > 0 else -matrix
