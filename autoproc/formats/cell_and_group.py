"""Whether the cell, the space group and the indices that a file tells can be of one crystal."""

from __future__ import annotations

from collections.abc import Iterable

import gemmi
import numpy as np

from autoproc.errors import InputError
from autoproc.geometry.constraints import lower_triangular_B, symmetrised_metric
from autoproc.models.crystal import Crystal, b_matrix, cell_from_real_matrix
from autoproc.models.space_group import rotations_of, symbol

ROUNDED = 0.002
"""Of the longest edge or, as 0.1 degrees, of an angle: cells are written to 0.01 or better, and refined with the
symmetry or without it differ by less."""
VARYING = 0.02
"""Of edges, or radians, by which cells that are refined image by image may be off the one for all. Where that one was
refined once more, by 2 theta, they are off by 0.9 to 1.1% (four real sweeps of L-cysteine, DIALS)."""
POSSIBLE = 0.03
"""Beyond it, and 1.7 degrees, the operations of the group turn no reflection upon an equivalent: as Le Page's delta of
about 2 degrees, up to which lattices are thought symmetric here."""


class CellAgainstGroup(InputError):
    """A space group that asks for another cell than stands beside it."""

    what = "{path} tells a space group and a cell that are not of one crystal: {reason}"
    hint = (
        "put the wrong one right in the program that wrote it, or with a text editor where the file is a text; P 1 is "
        "possible for every cell, and autoproc symmetry finds the group from there"
    )


def doubts_of_cells(path: object, crystals: Iterable[Crystal | None]) -> list[str]:
    """What is odd of cells and space groups, a sentence each. Raises CellAgainstGroup for what is impossible."""
    told = {(c.space_group.xhm(), tuple(np.round(c.cell, 4))): c for c in crystals if c is not None}
    doubts = []
    for (_, cell), crystal in told.items():
        group, off = crystal.space_group, _off_symmetry(crystal)
        if off > POSSIBLE:
            reason = f"{symbol(group)} is {_system(group)}, and the cell {cell_words(cell)}"
            raise CellAgainstGroup(path=path, reason=reason)
        if off > ROUNDED:
            doubts.append(
                f"the cell {cell_words(cell)} is not quite what {symbol(group)} ({_system(group)}) asks for: off by up "
                f"to {off:.1%}; it is used as it is, equivalents by the space group"
            )
        doubts += _doubts_of_scan(crystal)
    return doubts


def _doubts_of_scan(crystal: Crystal) -> list[str]:
    """That the axes which vary over the scan are not of the cell of the crystal as a whole; empty where they are."""
    points = crystal.A_at_scan_points
    if points is None:
        return []
    cell = cell_from_real_matrix(np.linalg.inv(points[len(points) // 2]))
    if cells_apart(crystal.cell, cell) < VARYING:
        return []
    return [
        f"the cell is {cell_words(crystal.cell)} by the crystal's axes and {cell_words(cell)} in the middle of its "
        "scan: the former is taken for resolution, the latter for directions"
    ]


def cell_words(cell: Iterable[float]) -> str:
    """A cell as people write it."""
    return " ".join(f"{x:.6g}" for x in cell)


def _off_symmetry(crystal: Crystal) -> float:
    """How far the cell is from the nearest one that the space group allows: of lengths, and of angles in radians."""
    return cells_apart(crystal.cell, _symmetrised(crystal.cell, crystal.space_group))


def cells_apart(one: Iterable[float], other: Iterable[float]) -> float:
    """The greatest relative difference of two cells' lengths, or difference of their angles in radians."""
    a, b = np.array(list(one), float), np.array(list(other), float)
    lengths = np.abs(a[:3] - b[:3]) / np.minimum(a[:3], b[:3])
    return float(max(lengths.max(), np.radians(np.abs(a[3:] - b[3:])).max()))


def _symmetrised(cell: tuple[float, ...], group: gemmi.SpaceGroup) -> tuple[float, ...]:
    B = b_matrix(cell)
    nearest = lower_triangular_B(symmetrised_metric(B.T @ B, rotations_of(group)))
    return cell_from_real_matrix(np.linalg.inv(nearest))


def _system(group: gemmi.SpaceGroup) -> str:
    axes = " in rhombohedral axes" if group.ext == "R" else " in hexagonal axes" if group.ext == "H" else ""
    unique = group.monoclinic_unique_axis() if group.crystal_system_str() == "monoclinic" else ""
    return f"{group.crystal_system_str()}{axes}" + (f" with the unique axis {unique}" if unique else "")


def forbidden_by_centring(group: gemmi.SpaceGroup, hkl: np.ndarray) -> np.ndarray:
    """(N,) bool: indices (N, 3) that the lattice of a centred cell does not have."""
    shifts = np.array(group.operations().cen_ops, float) / gemmi.Op.DEN
    phase = hkl @ shifts.T
    return np.asarray((np.abs(phase - np.rint(phase)) > 0.01).any(axis=1))
