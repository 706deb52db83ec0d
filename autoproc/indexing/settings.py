"""From the reduced basis that a search finds to the setting of a known cell or space group."""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np

from autoproc.geometry.constraints import strain_basis
from autoproc.geometry.rotation import GENERATORS
from autoproc.indexing.candidates import niggli_reduced
from autoproc.models.crystal import b_matrix
from autoproc.models.space_group import primitive_basis, rotations_of

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


@lru_cache(maxsize=4)
def _settings(group: str, largest: int) -> np.ndarray:
    """(K, 3, 3) changes from a reduced basis to cells with the centring of a space group, simplest first."""
    to_conventional = np.linalg.inv(primitive_basis(gemmi.SpaceGroup(group)))
    return to_conventional @ _unimodular(largest)


def known_reduced_basis(unit_cell: tuple[float, ...], space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(3, 3) rows a, b, c, Angstrom: the Niggli-reduced primitive basis of a conventional cell."""
    return niggli_reduced(primitive_basis(space_group) @ np.linalg.inv(b_matrix(unit_cell)))


def is_near_cell(cell: tuple[float, ...], known: tuple[float, ...]) -> bool:
    """Lengths within 5%, angles within 5 degrees."""
    lengths = np.abs(np.divide(cell[:3], known[:3]) - 1)
    angles = np.abs(np.subtract(cell[3:], known[3:]))
    return bool(lengths.max() < MAX_LENGTH_ERROR and angles.max() < np.degrees(MAX_ANGLE_ERROR))


def in_setting(
    real: np.ndarray, space_group: gemmi.SpaceGroup, unit_cell: tuple[float, ...] | None
) -> np.ndarray | None:
    """The basis (rows, Angstrom) of the lattice of `real` in the conventional setting of a space group.

    With a unit cell, the basis nearest to it, within 5% of its lengths and 5 degrees; without, the one that
    the group's symmetry distorts least, with the shortest axes. None where there is none.
    """
    reduced = niggli_reduced(real)
    if unit_cell is None and space_group.number <= 2 and space_group.hm[0] == "P":
        return reduced
    for largest in (1, 2):
        bases = (_settings(space_group.xhm(), largest).reshape(-1, 3) @ reduced).reshape(-1, 3, 3)
        metrics = bases @ np.swapaxes(bases, 1, 2)
        shear = _shear(metrics, rotations_of(space_group))
        if unit_cell is not None:
            cost = _mismatch(metrics, unit_cell) + 1e-3 * shear
        else:
            cost = np.where(shear < ALLOWED_SHEAR, np.rint(10 * shear / ALLOWED_SHEAR) + _unusual(metrics), np.inf)
        best = int(np.argmin(np.round(cost, 9)))  # of equivalent settings the simplest
        if np.isfinite(cost[best]):
            return bases[best]
    return None


def allowed_modes(A: np.ndarray, space_group: gemmi.SpaceGroup) -> np.ndarray:
    """(M, 3, 3) the ways E in which A may change, A' = (1 + E) A: three rotations, and the strains of its symmetry."""
    return np.concatenate([GENERATORS, strain_basis(A, rotations_of(space_group))])


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
