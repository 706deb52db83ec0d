"""From the reduced basis that a search finds to the setting of a known cell or space group."""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np

from autoproc.indexing.candidates import niggli_reduced
from autoproc.models.crystal import b_matrix, cell_from_real_matrix

MAX_LENGTH_ERROR = 0.05
MAX_ANGLE_ERROR = np.radians(5.0)
ALLOWED_SHEAR = 0.03
PAIRS = ((1, 2), (0, 2), (0, 1))


@lru_cache(maxsize=2)
def _unimodular(largest: int) -> np.ndarray:
    """(K, 3, 3) integer matrices of determinant 1 with elements to `largest`, simplest first."""
    values = np.arange(-largest, largest + 1)
    rows = np.array(np.meshgrid(values, values, values)).reshape(3, -1).T
    rows = rows[np.any(rows != 0, axis=1)]
    products = np.cross(rows[:, None, :], rows[None, :, :]).reshape(-1, 3)
    pair, third = np.nonzero(products @ rows.T == 1)
    first, second = np.divmod(pair, len(rows))
    matrices = np.stack([rows[first], rows[second], rows[third]], axis=1)
    return matrices[np.argsort(np.abs(matrices).sum(axis=(1, 2)), kind="stable")]


def primitive_from_conventional(space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(3, 3) rows: a primitive basis in terms of the conventional one."""
    transform = space_group.centred_to_primitive()
    return np.array(transform.rot, float).T / gemmi.Op.DEN


def known_reduced_cell(unit_cell: tuple[float, ...], space_group: gemmi.SpaceGroup) -> tuple[float, ...]:
    """The Niggli-reduced primitive cell of a conventional one."""
    real = np.linalg.inv(b_matrix(unit_cell))
    return cell_from_real_matrix(niggli_reduced(primitive_from_conventional(space_group) @ real))


def point_rotations(space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(K, 3, 3) the rotation parts that act on fractional coordinates x' = R x, proper ones only."""
    matrices = np.unique([np.array(op.rot) // gemmi.Op.DEN for op in space_group.operations().sym_ops], axis=0)
    signs = np.sign(np.linalg.det(matrices))
    return np.unique(matrices * np.rint(signs)[:, None, None], axis=0)


def in_setting(
    real: np.ndarray, space_group: gemmi.SpaceGroup, unit_cell: tuple[float, ...] | None
) -> np.ndarray | None:
    """The basis (rows, Angstrom) of the lattice of `real` in the conventional setting of a space group.

    With a unit cell, the basis nearest to it, within 5% of its lengths and 5 degrees; without, the one that
    the group's symmetry distorts least, with the shortest axes. None where there is none.
    """
    reduced = niggli_reduced(real)
    if unit_cell is None and space_group.number <= 2:
        return reduced
    to_conventional = np.linalg.inv(primitive_from_conventional(space_group))
    for largest in (1, 2):
        bases = to_conventional @ (_unimodular(largest) @ reduced)
        metrics = bases @ np.swapaxes(bases, 1, 2)
        shear = _shear(metrics, point_rotations(space_group))
        if unit_cell is not None:
            cost = _mismatch(metrics, unit_cell) + 1e-3 * shear
        else:
            cost = np.where(shear < ALLOWED_SHEAR, np.rint(10 * shear / ALLOWED_SHEAR) + _unusual(metrics), np.inf)
        best = int(np.argmin(cost))
        if np.isfinite(cost[best]):
            return bases[best]
    return None


def symmetrised(real: np.ndarray, space_group: gemmi.SpaceGroup) -> np.ndarray:
    """The basis nearest to `real` whose metric has the symmetry of the group's lattice."""
    rotations = point_rotations(space_group)
    metric = real @ real.T
    wanted = np.mean(np.swapaxes(rotations, 1, 2) @ metric @ rotations, axis=0)
    shape = np.linalg.cholesky(wanted)
    u, _, v = np.linalg.svd(np.linalg.solve(shape, real))
    return shape @ (u @ v)


def allowed_modes(A: np.ndarray, space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(M, 3, 3) the ways E in which A may change, A' = (1 + E) A: three rotations, and the strains of its symmetry."""
    real = np.linalg.inv(A)
    cartesian = np.array([real.T @ r @ np.linalg.inv(real.T) for r in point_rotations(space_group)])
    basis = []
    for i in range(3):
        for j in range(i, 3):
            strain = np.zeros((3, 3))
            strain[i, j] = strain[j, i] = 1.0
            basis.append(np.mean(cartesian @ strain @ np.swapaxes(cartesian, 1, 2), axis=0).ravel())
    _, size, directions = np.linalg.svd(np.array(basis))
    strains = directions[: int(np.sum(size > 1e-4 * size[0]))].reshape(-1, 3, 3)
    turns = np.zeros((3, 3, 3))
    for axis, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        turns[axis, i, j], turns[axis, j, i] = -1.0, 1.0
    return np.concatenate([turns, strains])


def _shear(metrics: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(K,) how much a group's symmetry changes metrics (K, 3, 3), relative to their lengths."""
    averaged = np.mean([r.T @ metrics @ r for r in rotations], axis=0)
    diagonal = np.sqrt(np.einsum("kii->ki", averaged))
    relative = (metrics - averaged) / (diagonal[:, :, None] * diagonal[:, None, :])
    return np.abs(relative).max(axis=(1, 2))


def _unusual(metrics: np.ndarray) -> np.ndarray:
    """(K,) preference among equivalent settings: short axes, angles not acute, a <= b <= c."""
    lengths = np.sqrt(np.einsum("kii->ki", metrics))
    shortest = lengths.sum(axis=1) / lengths.sum(axis=1).min()
    acute = sum(metrics[:, i, j] > 1e-3 * lengths[:, i] * lengths[:, j] for i, j in PAIRS)
    unordered = np.sum(np.diff(lengths, axis=1) < -0.01 * lengths[:, 1:], axis=1)
    return 0.1 * shortest + 0.002 * acute + 0.0005 * unordered


def _mismatch(metrics: np.ndarray, unit_cell: tuple[float, ...]) -> np.ndarray:
    """(K,) distance of metrics from a cell, infinite outside the limits."""
    lengths = np.sqrt(np.einsum("kii->ki", metrics))
    cosines = np.stack(
        [metrics[:, i, j] / (lengths[:, i] * lengths[:, j]) for i, j in ((1, 2), (0, 2), (0, 1))], axis=1
    )
    angles = np.arccos(np.clip(cosines, -1, 1))
    length_error = np.abs(lengths / np.array(unit_cell[:3]) - 1)
    angle_error = np.abs(angles - np.radians(unit_cell[3:]))
    possible = np.all(length_error < MAX_LENGTH_ERROR, axis=1) & np.all(angle_error < MAX_ANGLE_ERROR, axis=1)
    return np.where(possible, length_error.sum(axis=1) + angle_error.sum(axis=1), np.inf)
