"""Every glide plane that there may be, with the reflections that speak for or against it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.models.space_group import proper_rotations_of
from autoproc.symmetry.absences import absent_in
from autoproc.symmetry.glide_plane import GlidePlane, towards_positive
from autoproc.symmetry.lattice_symmetry import rotation_axis, rotation_order

GRID = np.array(list(itertools.product(range(-6, 7), repeat=3)), np.int32)
"""Indices on which conditions of reflection are compared."""


def planes_compared(
    group: gemmi.SpaceGroup,
    classes: Sequence[tuple[gemmi.SpaceGroup, ...]],
    p: np.ndarray,
    hkl: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray,
) -> tuple[GlidePlane, ...]:
    """Every glide plane of the groups compared that the centring does not bring with it.

    group : symmorphic and chiral; classes, p : space groups compared and their probability
    hkl (N, 3), intensity, sigma (N,) : unique reflections in its setting
    """
    grid = GRID[~absent_in(group, GRID)]
    absent = np.array([absent_in(members[0], grid) for members in classes])
    found = []
    for normal, condition, period in _possible(group):
        breaks = (grid @ normal == 0) & (grid @ condition % period != 0)
        has_it = absent[:, breaks].all(axis=1)
        if not breaks.any() or not has_it.any():
            continue
        zone = hkl @ normal == 0
        stays = zone & (hkl @ condition % period == 0)
        goes = zone & ~stays
        ratio = intensity / np.maximum(sigma, 1e-30)
        means = [float(v[rows].mean()) if rows.any() else 0.0 for v in (intensity, ratio) for rows in (stays, goes)]
        counts = int(stays.sum()), int(goes.sum())
        found.append(
            GlidePlane(
                towards_positive(normal), towards_positive(condition), period, float(p[has_it].sum()), *counts, *means
            )
        )
    return tuple(found)


def _possible(group: gemmi.SpaceGroup) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Normals of planes, one of each set of equivalents, with the conditions that a glide in them may make."""
    rotations = proper_rotations_of(group)
    found: list[tuple[np.ndarray, np.ndarray, int]] = []
    normals: list[np.ndarray] = []
    for w in rotations:
        axis = np.asarray(rotation_axis(w)) if rotation_order(w) == 2 else np.zeros(3, int)
        images = np.abs(rotations @ axis).tolist()
        if not axis.any() or any(np.abs(other).tolist() in images for other in normals):
            continue
        normals.append(axis)
        found += [(axis, np.array(condition), period) for condition, period in _conditions(axis, len(rotations))]
    return found


def _conditions(axis: np.ndarray, order: int) -> list[tuple[tuple[int, ...], int]]:
    """Of a plane across an axis of the cell: along its edges, diagonal, diamond; of others along c, and diamond."""
    unit = np.eye(3, dtype=int)
    if np.abs(axis).sum() == 1 and order in (2, 4, 8, 12, 24):
        i, j = np.flatnonzero(axis == 0)
        both = tuple(int(n) for n in unit[i] + unit[j])
        return [(tuple(map(int, unit[i])), 2), (tuple(map(int, unit[j])), 2), (both, 2), (both, 4)]
    return [((0, 0, 1), 2), ((2, 0, 1), 4)] if np.abs(axis).tolist() == [1, 1, 0] else [((0, 0, 1), 2)]
