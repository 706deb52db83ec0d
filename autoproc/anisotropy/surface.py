"""The surface within which reflections are measurable: an ellipsoid, or where that fails one as the limits have it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.anisotropy.evidence import Cone, is_borne_out
from autoproc.anisotropy.limits import DirectionLimits, direction_limits, limit_of
from autoproc.merging.correlation import HalfSets
from autoproc.merging.wilson_model import invariant_tensors

FITS = 0.05
"""Relative scatter of the limits about an ellipsoid with which it stands for them; those of simulated ellipsoids of
20,000 reflections have 0.02."""
SMOOTHING = 10.0
"""Degrees over which limits are averaged where no ellipsoid fits."""
BEYOND = 1.1
"""Times the end of the data, where the signal goes on to it: no reflection is left out there."""
CYCLES = 20


@dataclass(frozen=True, slots=True, eq=False)
class LimitSurface:
    """1/d of the limit in any direction.

    ellipsoid : (3, 3), u^T E u = s_max(u)^-2, Angstrom^2, Cartesian; None where it does not stand for the limits
    scatter : relative, of the limits about the ellipsoid; limits : what it was made from
    rotations : (R, 3, 3) of the point group
    """

    ellipsoid: np.ndarray | None
    scatter: float
    limits: DirectionLimits
    rotations: np.ndarray

    def s_max(self, direction: np.ndarray) -> np.ndarray:
        """(N,) 1/Angstrom, along directions (N, 3) of any length but 0; nowhere farther than the farthest limit."""
        unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
        if self.ellipsoid is None:
            return self._smoothed(unit)
        farthest = np.inf if self.limits.is_edge.any() else self.limits.s_max.max()
        return np.minimum(np.einsum("ni,ij,nj->n", unit, self.ellipsoid, unit) ** -0.5, farthest)

    def holds(self, s: np.ndarray) -> np.ndarray:
        """(N,) bool: reciprocal lattice vectors s (N, 3), 1/Angstrom, inside."""
        return np.linalg.norm(s, axis=1) <= self.s_max(s)

    def nearest(self, direction: np.ndarray) -> np.ndarray:
        """(N,) which of the directions that were looked at lies nearest to each of some (N, 3)."""
        unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
        cosine = np.abs(np.einsum("ni,rij,dj->nrd", unit, self.rotations, self.limits.direction)).max(axis=1)
        return np.argmax(cosine, axis=1)

    def _smoothed(self, unit: np.ndarray) -> np.ndarray:
        total, weight = np.zeros(len(unit)), np.full(len(unit), 1e-300)
        s_max = self.limits.s_max * np.where(self.limits.is_edge, BEYOND, 1.0)
        for u, value in zip(self.limits.direction, s_max, strict=True):
            cosine = np.abs(unit @ (self.rotations @ u).T).max(axis=1)
            share = np.exp((cosine - 1) / (1 - np.cos(np.radians(SMOOTHING))))
            total += share * value
            weight += share
        return total / weight


def measured_surface(
    s: np.ndarray,
    rotations: np.ndarray,
    halves: HalfSets,
    i_over_sigma: np.ndarray,
    thresholds: tuple[float, float],
    common: float | None = None,
) -> LimitSurface | None:
    """The surface that unique reflections tell of; None where no direction has enough of them.

    s : (G, 3) reciprocal lattice vectors, 1/Angstrom; i_over_sigma : (G,) of merged intensities
    rotations : (R, 3, 3) of the point group, in the same Cartesian frame, under which all directions are alike
    thresholds : of CC1/2, and of the mean of I/sigma
    common : 1/d of the limit of all directions together; None finds it in the same way as that of each. It is that of
        all where what the limits take in and leave out does not tell of others with significance.
    """
    length = np.linalg.norm(s, axis=1)
    every = Cone.of_all(length, halves, i_over_sigma, thresholds)
    if common is None:
        common = limit_of(every)[0]
    else:
        common = min(common, every.end)
        every = every.of_signal_at(common)
    limits = direction_limits(s / length[:, None], rotations, every, common)
    surface = limit_surface(limits, rotations)
    if surface is None or is_borne_out(every, surface.holds(s), common):
        return surface
    return limit_surface(limits.alike(common, every.end), rotations)


def limit_surface(limits: DirectionLimits, rotations: np.ndarray) -> LimitSurface | None:
    """The surface of limits with the symmetry of the point group; None where no direction has one of its own."""
    if not limits.is_told.any():
        return None
    u, observed, is_edge = limits.direction, limits.s_max, limits.is_edge
    ellipsoid = _ellipsoid(u, observed, is_edge, rotations)
    if ellipsoid is None:
        return LimitSurface(None, float("inf"), limits, rotations)
    ratio = observed * np.einsum("ni,ij,nj->n", u, ellipsoid, u) ** 0.5
    off = np.where(is_edge & (ratio < 1), 0.0, ratio - 1)
    scatter = float(np.sqrt(np.mean(off**2)))
    return LimitSurface(ellipsoid if scatter <= FITS else None, scatter, limits, rotations)


def _ellipsoid(u: np.ndarray, s_max: np.ndarray, is_edge: np.ndarray, rotations: np.ndarray) -> np.ndarray | None:
    """The ellipsoid nearest to the limits. Where the data end before the signal does it may lie beyond their end."""
    tensors = [np.eye(3) / 3**0.5, *invariant_tensors(rotations)]
    forms = np.array([np.einsum("ni,ij,nj->n", u, t, u) for t in tensors]).T * s_max[:, None] ** 2
    counts = np.ones(len(u), bool)
    for _ in range(CYCLES):
        if counts.sum() < len(tensors):
            return None
        values = np.linalg.lstsq(forms[counts], np.ones(int(counts.sum())), rcond=None)[0]
        again = ~is_edge | (forms @ values > 1)
        if np.array_equal(again, counts):
            break
        counts = again
    ellipsoid = np.tensordot(values, np.array(tensors), 1)
    return ellipsoid if np.linalg.eigvalsh(ellipsoid)[0] > 0 else None
