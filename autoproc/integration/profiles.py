"""Reference profiles: learnt from strong spots by detector region and rotation block.

A profile is the density of a reflection's flux over (eps1, eps2)/sigma_b as the pixels see it: the
value at a point is the flux on a pixel centred there, per unit of area. Learnt so, it needs no
spreading of pixels over a grid, which would broaden it, and no integration over pixels when it is
used (Anderson & King 2000, PASP 112, 1360, did so for stars). It is a cubic B-spline on a square grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

GRID_SIZE = 13
HALF_RANGE = 4.0
"""sigma_b: how far out profiles are learnt and over which they are normalised."""
SPACING = 2 * HALF_RANGE / (GRID_SIZE - 3)
PRIOR_RELATIVE, PRIOR_ABSOLUTE = 0.3, 0.02
"""Standard deviation of a coefficient about that of the Gaussian profile, before any data:
this fraction of it, and this fraction of the largest."""


@dataclass(slots=True, eq=False)
class Equations:
    """Normal equations of profiles: (R, G*G, G*G), (R, G*G) and the (R,) number of spots in them."""

    normal: np.ndarray
    right: np.ndarray
    n_spots: np.ndarray

    @staticmethod
    def empty(n_regions: int) -> Equations:
        """No spots yet."""
        size = GRID_SIZE**2
        return Equations(np.zeros((n_regions, size, size)), np.zeros((n_regions, size)), np.zeros(n_regions, int))

    @staticmethod
    def sum_of(parts: list[Equations]) -> Equations:
        """The equations of all spots of several."""
        return Equations(sum(p.normal for p in parts), sum(p.right for p in parts), sum(p.n_spots for p in parts))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class DetectorRegions:
    """A regular grid of n x n regions over the detector of shape (slow, fast)."""

    shape: tuple[int, int]
    n: int

    @property
    def count(self) -> int:
        """Number of regions."""
        return self.n * self.n

    def of(self, xy: np.ndarray) -> np.ndarray:
        """(N,) region of positions (N, 2), px."""
        fast = np.clip((xy[:, 0] / self.shape[1] * self.n).astype(int), 0, self.n - 1)
        slow = np.clip((xy[:, 1] / self.shape[0] * self.n).astype(int), 0, self.n - 1)
        return slow * self.n + fast


@dataclass(frozen=True, slots=True, eq=False)
class FittedProfiles:
    """The profiles that were fitted, by block of rotation, then by lattice, and by region of the detector.

    ends : (B,) frame, from the start of the scan, of the last reflection of each block, which is sorted by it
    coefficients : (B, L * regions.count, G, G) float32, each profile of integral 1
    """

    regions: DetectorRegions
    ends: np.ndarray
    coefficients: np.ndarray

    def of(self, lattice: int, centre: np.ndarray) -> np.ndarray | None:
        """(G, G) that of a reflection predicted at centre (3,) px, px, frame; None of a lattice that has none."""
        block = min(int(np.searchsorted(self.ends, centre[2])), len(self.ends) - 1)
        region = int(self.regions.of(centre[None, :2])[0]) + self.regions.count * lattice
        known = lattice >= 0 and region < self.coefficients.shape[1]
        return self.coefficients[block, region].astype(float) if known else None


@cache
def _basis_on_grid() -> tuple[np.ndarray, np.ndarray]:
    """Points along an axis and (points, G) values of the B-splines there."""
    points = np.linspace(-HALF_RANGE, HALF_RANGE, 161)[:-1] + HALF_RANGE / 160
    return points, _basis_at(points)


def _basis_at(points: np.ndarray) -> np.ndarray:
    """(N, G) values of the B-splines at points (N,), in sigma_b."""
    t = np.abs(points[:, None] / SPACING + 0.5 * (GRID_SIZE - 1) - np.arange(GRID_SIZE))
    inner, outer = (3 * t**3 - 6 * t**2 + 4) / 6, np.clip(2 - t, 0, None) ** 3 / 6
    values: np.ndarray = np.where(t < 1, inner, outer)
    return values


def density(coefficients: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) a profile at points (N, 2), (eps1, eps2)/sigma_b; 0 beyond HALF_RANGE, and never less.

    coefficients : (G, G), rows along eps2, as the kernel has them
    """
    first, second = _basis_at(points[:, 0]), _basis_at(points[:, 1])
    inside = (np.abs(points) <= HALF_RANGE).all(axis=1)
    return np.maximum(np.einsum("ni,ij,nj->n", second, coefficients, first), 0) * inside


@cache
def _integral_weights() -> np.ndarray:
    """(G*G,) integral of each basis function over the range."""
    points, basis = _basis_on_grid()
    along = basis.sum(axis=0) * (points[1] - points[0])
    return np.outer(along, along).ravel()


@cache
def gaussian_coefficients() -> np.ndarray:
    """(G, G) spline of the unit Gaussian, normalised."""
    points, basis = _basis_on_grid()
    line = np.linalg.lstsq(basis, np.exp(-0.5 * points**2), rcond=None)[0]
    both = np.outer(line, line)
    return both / (both.ravel() @ _integral_weights())


def solve_profiles(equations: Equations, min_spots: int) -> np.ndarray:
    """(R, G, G) coefficients, each profile of integral 1.

    A region with fewer than min_spots strong spots takes those of all regions in. The Gaussian is
    the prior: with no spots at all it is the answer.
    """
    gaussian = gaussian_coefficients().ravel()
    inverse_variance = (PRIOR_RELATIVE * np.abs(gaussian) + PRIOR_ABSOLUTE * gaussian.max()) ** -2
    everything = equations.normal.sum(axis=0), equations.right.sum(axis=0)
    solved = []
    for normal, right, n_spots in zip(equations.normal, equations.right, equations.n_spots, strict=True):
        matrix, vector = (normal, right) if n_spots >= min_spots else everything
        coefficients = np.linalg.solve(matrix + np.diag(inverse_variance), vector + inverse_variance * gaussian)
        solved.append(coefficients / max(coefficients @ _integral_weights(), 1e-6))
    return np.array(solved).reshape(-1, GRID_SIZE, GRID_SIZE)
