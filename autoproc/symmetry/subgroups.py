"""All rotation groups that a lattice allows, with their conventional cells and names."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.symmetry.lattice_symmetry import LatticeSymmetry, averaged_metric, cell_of, obliquity
from autoproc.symmetry.settings import (
    MonoclinicSetting,
    centring,
    conventional_basis,
    crystal_system,
    group_operations,
)

FAMILY = {
    "triclinic": "a", "monoclinic": "m", "orthorhombic": "o", "tetragonal": "t",
    "trigonal": "h", "hexagonal": "h", "cubic": "c",
}  # fmt: skip

# A metric without symmetry of its own, added before averaging so that a lattice that happens to be
# more symmetric than a subgroup demands does not hide what the subgroup alone demands.
_GENERIC = np.array([[0.0, 0.0713, 0.0329], [0.0713, 0.0571, 0.0457], [0.0329, 0.0457, 0.1193]])


@dataclass(frozen=True, slots=True, eq=False)
class Subgroup:
    """One group of rotations and its conventional setting.

    members : (n,) indices into the rotations of the lattice group
    basis : (3, 3) int, change from the reduced primitive cell to the conventional one
    cell : the conventional cell with its metric averaged over the group
    space_group : symmorphic group of the rotations (P 4 2 2)
    patterson : the same with inversion (P 4/m m m)
    bravais : tP, mC, ... (mI for the I setting)
    delta : greatest Le Page delta, degrees, among the two-folds that the lattice of this group has
    is_bravais : the group is the whole rotation group of its lattice
    """

    members: tuple[int, ...]
    basis: np.ndarray
    cell: tuple[float, ...]
    space_group: gemmi.SpaceGroup
    patterson: gemmi.SpaceGroup
    bravais: str
    delta: float
    is_bravais: bool

    @property
    def order(self) -> int:
        """Number of rotations."""
        return len(self.members)


def find_subgroups(lattice: LatticeSymmetry, monoclinic: MonoclinicSetting = "best") -> tuple[Subgroup, ...]:
    """Every subgroup of the lattice's rotation group, the largest first, then by delta."""
    table = multiplication_table(lattice.rotations)
    n = len(table)
    found = {_closure({i, j}, table) for i in range(n) for j in range(i, n)}
    deltas = np.array([obliquity(w, lattice.metric) for w in lattice.rotations])
    groups = [_describe(lattice, tuple(sorted(members)), monoclinic, deltas) for members in found]
    return tuple(sorted(groups, key=lambda g: (-g.order, round(g.delta, 6), g.members)))


def multiplication_table(rotations: np.ndarray) -> np.ndarray:
    """(n, n) int: the index of W_i W_j."""
    index = {w.tobytes(): i for i, w in enumerate(rotations)}
    products = np.einsum("aij,bjk->abik", rotations, rotations)
    n = len(rotations)
    return np.array([[index[np.ascontiguousarray(products[i, j]).tobytes()] for j in range(n)] for i in range(n)])


def _closure(generators: set[int], table: np.ndarray) -> frozenset[int]:
    is_member = np.zeros(len(table), bool)
    is_member[list(generators)] = True
    while True:
        members = np.flatnonzero(is_member)
        is_member[table[members][:, members]] = True
        if np.count_nonzero(is_member) == len(members):
            return frozenset(members.tolist())


def _describe(
    lattice: LatticeSymmetry, members: tuple[int, ...], monoclinic: MonoclinicSetting, deltas: np.ndarray
) -> Subgroup:
    """The group of some rotations; deltas : (n,) obliquity of each of the lattice's, degrees."""
    rotations = lattice.rotations[list(members)]
    metric = averaged_metric(lattice.metric, rotations)
    basis = conventional_basis(rotations, metric, monoclinic)
    operations = group_operations(rotations, basis)
    space_group = _named(operations)
    operations.add_inversion()
    kept = _lattice_rotations(lattice, rotations)
    kind = centring(basis)
    return Subgroup(
        members=members,
        basis=basis,
        cell=cell_of(basis @ metric @ basis.T),
        space_group=space_group,
        patterson=_named(operations),
        bravais=FAMILY[crystal_system(rotations)] + kind,
        delta=float(deltas[kept].max()),
        is_bravais=len(kept) == len(members),
    )


def _named(operations: gemmi.GroupOps) -> gemmi.SpaceGroup:
    group = gemmi.find_spacegroup_by_ops(operations)
    if group is None:
        raise ValueError("a subgroup of a lattice's rotations is not in a tabulated setting")
    return group


def _lattice_rotations(lattice: LatticeSymmetry, rotations: np.ndarray) -> np.ndarray:
    """Indices of the lattice's rotations that every metric obeying `rotations` has."""
    scale = np.sqrt(np.outer(np.diag(lattice.metric), np.diag(lattice.metric)))
    generic = averaged_metric(lattice.metric + _GENERIC * scale, rotations)
    turned = np.swapaxes(lattice.rotations, 1, 2) @ generic @ lattice.rotations
    difference = np.abs(turned - generic).max(axis=(1, 2))
    return np.flatnonzero(difference < 1e-8 * np.trace(generic))
