"""The rotations that leave a lattice unchanged, within a tolerance (Le Page 1982, J. Appl. Cryst. 15, 255)."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

MAX_ORDER = 24
"""Rotations in the largest crystallographic point group, 432."""


@dataclass(frozen=True, slots=True, eq=False)
class LatticeSymmetry:
    """The rotation group of a lattice.

    to_reduced : (3, 3) int, basis change from the cell given to the Niggli-reduced cell
    cell : the reduced cell, Angstrom and degrees
    rotations : (n, 3, 3) int, in the reduced basis; the identity first
    """

    to_reduced: np.ndarray
    cell: tuple[float, ...]
    rotations: np.ndarray

    @property
    def metric(self) -> np.ndarray:
        """(3, 3) metric of the reduced cell, Angstrom^2."""
        return metric_of(self.cell)


def metric_of(cell: tuple[float, ...]) -> np.ndarray:
    """(3, 3) direct metric G of a cell, Angstrom^2."""
    basis = np.array(gemmi.UnitCell(*cell).orth.mat.tolist())
    return basis.T @ basis


def cell_of(metric: np.ndarray) -> tuple[float, ...]:
    """Cell, Angstrom and degrees, of a direct metric."""
    lengths = np.sqrt(np.diag(metric))
    cosines = metric / np.outer(lengths, lengths)
    angles = np.degrees(np.arccos(np.clip([cosines[1, 2], cosines[0, 2], cosines[0, 1]], -1, 1)))
    return (*map(float, lengths), *map(float, angles))


def averaged_metric(metric: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(3, 3) mean of W^T G W over rotations (n, 3, 3)."""
    return np.mean(np.swapaxes(rotations, 1, 2) @ metric @ rotations, axis=0)


def niggli(cell: tuple[float, ...]) -> np.ndarray:
    """(3, 3) int basis change, of determinant 1, from a primitive cell to its Niggli-reduced cell."""
    vector = gemmi.GruberVector(gemmi.UnitCell(*cell), "P", True)
    vector.niggli_reduce(epsilon=1e-6 * gemmi.UnitCell(*cell).volume ** (2 / 3))
    matrix = np.array(vector.change_of_basis.rot).T // gemmi.Op.DEN
    return matrix if np.linalg.det(matrix) > 0 else -matrix


def lattice_symmetry(cell: tuple[float, ...], max_delta: float) -> LatticeSymmetry:
    """Every rotation of a primitive lattice that two-folds with Le Page's delta <= max_delta (degrees) make.

    Two-folds are added from the smallest delta on; one that does not make a group with those
    before it is left out.
    """
    to_reduced = niggli(cell)
    reduced = cell_of(to_reduced @ metric_of(cell) @ to_reduced.T)
    found = gemmi.find_lattice_2fold_ops(gemmi.UnitCell(*reduced), max_delta)
    rotations = np.eye(3, dtype=int)[None]
    for operator, _ in sorted(found, key=lambda item: item[1]):
        rotation = np.array(operator.rot) // gemmi.Op.DEN
        larger = close_group(np.concatenate([rotations, rotation[None]]))
        rotations = rotations if larger is None else larger
    return LatticeSymmetry(to_reduced, reduced, rotations)


def close_group(generators: np.ndarray) -> np.ndarray | None:
    """(n, 3, 3) the group that integer matrices make, identity first; None if larger than any point group."""
    members = {g.tobytes(): g for g in (np.eye(3, dtype=int), *generators)}
    while True:
        listed = np.array(list(members.values()))
        products = np.einsum("aij,bjk->abik", listed, listed).reshape(-1, 3, 3)
        members.update({p.tobytes(): p for p in products if p.tobytes() not in members})
        if len(members) > MAX_ORDER:
            return None
        if len(members) == len(listed):
            return listed


def rotation_order(rotation: np.ndarray) -> int:
    """1, 2, 3, 4 or 6, from the trace of a proper rotation."""
    return {3: 1, -1: 2, 0: 3, 1: 4, 2: 6}[int(np.trace(rotation))]


def rotation_axis(rotation: np.ndarray) -> np.ndarray:
    """(3,) int, the shortest lattice vector along the axis: W u = u; its last nonzero index is positive."""
    order = rotation_order(rotation)
    total, power = np.zeros((3, 3), int), np.eye(3, dtype=int)
    for _ in range(order):
        total, power = total + power, power @ rotation
    columns = total.T[np.any(total.T != 0, axis=1)]
    axis = columns[0] // np.gcd.reduce(columns[0])
    return axis if axis[np.flatnonzero(axis)[-1]] > 0 else -axis


def obliquity(rotation: np.ndarray, metric: np.ndarray) -> float:
    """Le Page's delta, degrees: the angle between a rotation's axis in direct and in reciprocal space."""
    if rotation_order(rotation) == 1:
        return 0.0
    direct = rotation_axis(rotation)
    reciprocal = rotation_axis(rotation.T)
    length = np.sqrt(direct @ metric @ direct)
    reciprocal_length = np.sqrt(reciprocal @ np.linalg.inv(metric) @ reciprocal)
    cosine = abs(direct @ reciprocal) / (length * reciprocal_length)
    return float(np.degrees(np.arccos(min(1.0, cosine))))
