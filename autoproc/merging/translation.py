"""Translational pseudo-symmetry: a copy of the molecule in the same orientation shows in the native Patterson map."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.merging.normalised import normalised
from autoproc.models.merged import Merged
from autoproc.models.space_group import rotations_of

D_MAX, D_MIN = 15.0, 4.0
"""Reflections that tell whole molecules, Angstrom."""
MIN_REFLECTIONS = 200
SHORTEST = 15.0
"""Vectors shorter than this are within one molecule, Angstrom."""
OVERSAMPLING = 3


@dataclass(frozen=True, slots=True)
class PattersonPeak:
    """The highest peak away from the origin: fractional vector, length in Angstrom, height as a part of the origin's.

    noise : the height that chance reaches about once in a map of so many reflections
    """

    vector: tuple[float, float, float]
    length: float
    height: float
    noise: float


def highest_patterson_peak(merged: Merged) -> PattersonPeak | None:
    """The highest peak of the Patterson map of normalised intensities, 15 to 4 Angstrom; None with too few."""
    d = merged.d
    used = (d <= D_MAX) & (d >= D_MIN) & np.isfinite(merged.intensity)
    if used.sum() < MIN_REFLECTIONS:
        return None
    group = merged.space_group.operations()
    hkl = merged.hkl[used]
    grid = patterson(hkl, normalised(merged, np.flatnonzero(used)).e2, merged.space_group)
    distance = lattice_distance(merged.cell, grid.shape, group)
    far = distance > SHORTEST
    if not far.any():
        return None
    place = np.unravel_index(int(np.argmax(np.where(far, grid, -np.inf))), grid.shape)
    u, v, w = (float(n / size) for n, size in zip(place, grid.shape, strict=True))
    noise = float(np.sqrt(2 * np.log(grid.size)) * grid[far].std() / grid[0, 0, 0])
    return PattersonPeak((u, v, w), float(distance[place]), float(grid[place] / grid[0, 0, 0]), noise)


def patterson(hkl: np.ndarray, e2: np.ndarray, space_group: gemmi.SpaceGroup) -> np.ndarray:
    """A map over the unit cell of cos terms e2 at every symmetry mate of hkl."""
    rotations = rotations_of(space_group)
    shape = tuple(_even(OVERSAMPLING * (int(m) + 1)) for m in np.abs(hkl @ rotations).max(axis=(0, 1)))
    coefficients = np.zeros(shape)
    for mate in hkl @ rotations:
        for sign in (1, -1):
            coefficients[tuple((sign * mate).T % np.array(shape)[:, None])] = e2
    return np.fft.fftn(coefficients).real


def _even(n: int) -> int:
    return n + n % 2


def lattice_distance(cell: gemmi.UnitCell, shape: tuple[int, ...], group: gemmi.GroupOps) -> np.ndarray:
    """Distance of every point of a grid over the cell from the nearest lattice point, centring included."""
    steps = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    fractional = np.stack(steps, axis=-1)
    orthogonal = np.array(cell.orth.mat.tolist())
    nearest = np.full(shape, np.inf)
    for centre in group.cen_ops:
        from_lattice = fractional - np.array(centre) / gemmi.Op.DEN
        from_lattice -= np.round(from_lattice)
        nearest = np.minimum(nearest, np.linalg.norm(from_lattice @ orthogonal.T, axis=-1))
    return nearest
