"""Give spots their Miller indices: the nearest lattice point, if it is near enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.indexing.reciprocal_spots import ReciprocalSpots
from autoproc.robust import robust_sigma

MIN_TOLERANCE = 0.12
N_SIGMA = 6.0
MAX_IMAGES = 1.0
ALLOWED_BY_CHANCE = 0.02
SMEAR_WEIGHT = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """lattice (N,): its index, -1 for none; hkl (N, 3): 0 0 0 where not indexed."""

    lattice: np.ndarray
    hkl: np.ndarray

    @property
    def is_indexed(self) -> np.ndarray:
        """(N,) bool."""
        return self.lattice >= 0

    def count(self, n_lattices: int) -> np.ndarray:
        """(n_lattices,) spots of each lattice."""
        return np.bincount(self.lattice[self.is_indexed], minlength=n_lattices)


@dataclass(frozen=True, slots=True, eq=False)
class Tolerance:
    """How far fractional indices may be from integers: `total` in all, `rest` (3,) without an error in phi."""

    total: float
    rest: np.ndarray

    def admits(self, residual: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """(N,) bool: deviations (N, 3), in all and without an error in phi, that are within it."""
        return np.all(np.abs(residual) < self.total, axis=1) & np.all(np.abs(rest) < self.rest, axis=1)


def assign(
    settings: Sequence[np.ndarray], spots: ReciprocalSpots | Sequence[ReciprocalSpots], tolerances: Sequence[Tolerance]
) -> Assignment:
    """Indices of spots by lattices with setting matrices (3, 3).

    spots : the same N for all lattices, or as each lattice has them
    A spot belongs to the lattice whose point is nearest in reciprocal space, of those within whose
    tolerance it is. What an error in phi can explain counts for less in the distance.
    """
    of_each = [spots] * len(settings) if isinstance(spots, ReciprocalSpots) else spots
    n = len(of_each[0]) if of_each else 0
    nearest, lattice, indices = np.full(n, np.inf), np.full(n, -1), np.zeros((n, 3), np.int32)
    for number, (A, own, tolerance) in enumerate(zip(settings, of_each, tolerances, strict=True)):
        hkl, residual, smeared = index_deviations(A, own)
        rest = residual - smeared
        distance = np.linalg.norm(rest @ A.T, axis=1) + SMEAR_WEIGHT * np.linalg.norm(smeared @ A.T, axis=1)
        better = tolerance.admits(residual, rest) & np.any(hkl != 0, axis=1) & (distance < nearest)
        nearest[better] = distance[better]
        lattice[better] = number
        indices[better] = hkl[better]
    return Assignment(lattice, indices)


def fractional(A: np.ndarray, rlp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest integer indices (N, 3) and what is left (N, 3)."""
    values = rlp @ np.linalg.inv(A).T
    hkl = np.rint(values)
    return hkl, values - hkl


def index_deviations(A: np.ndarray, spots: ReciprocalSpots) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest integer indices (N, 3), what is left (N, 3), and the part of it that MAX_IMAGES of error explain."""
    hkl, residual = fractional(A, spots.rlp)
    offset = residual @ A.T
    length = np.maximum(np.einsum("ij,ij->i", spots.smear, spots.smear), 1e-30)
    images = np.clip(np.einsum("ij,ij->i", offset, spots.smear) / length, -MAX_IMAGES, MAX_IMAGES)
    return hkl, residual, images[:, None] * (spots.smear @ np.linalg.inv(A).T)


def observed_tolerance(A: np.ndarray, spots: ReciprocalSpots, largest: float) -> Tolerance:
    """The tolerance for a lattice: six robust standard deviations, up to `largest`, and MIN_TOLERANCE at least.

    A point without relation to the lattice falls within a tolerance t by chance with a probability of
    (2 t)**3: 22% for 0.3, but 1.4% for 0.12. Where most spots belong to no or to another lattice the least
    tolerance is smaller, so that those indexed by chance stay few among the indexed.
    """
    _, residual, smeared = index_deviations(A, spots)
    total, rest = np.abs(residual).max(axis=1), np.abs(residual - smeared)
    limit = _most_telling_limit(np.where(total < largest, rest.max(axis=1), 1.0), largest)
    near = rest[(total < largest) & (rest.max(axis=1) < limit)]
    if len(near) < 10:
        return Tolerance(largest, np.full(3, largest))
    sigma = robust_sigma(near)
    by_chance = 0.5 * np.cbrt(ALLOWED_BY_CHANCE * len(near) / max(1, len(spots) - len(near)))
    least = min(largest, MIN_TOLERANCE, by_chance)
    return Tolerance(largest, np.clip(N_SIGMA * sigma, least, largest))


def _most_telling_limit(off: np.ndarray, largest: float) -> float:
    """The limit t at which most information is had from knowing which points are within t of the lattice."""
    best, best_bits = largest, -np.inf
    for limit in largest * 0.8 ** np.arange(12):
        n, total = int(np.count_nonzero(off < limit)), len(off)
        if n >= 10:
            others = (total - n) * np.log2(1 - n / total) if n < total else 0.0
            bits = n * (np.log2(n / total) - 3 * np.log2(2 * limit)) + others
            best, best_bits = (float(limit), bits) if bits > best_bits else (best, best_bits)
    return best
