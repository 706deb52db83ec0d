"""The resolution limit in every direction, from what the reflections around it say by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from autoproc.anisotropy.evidence import Cone, believed

N_DIRECTIONS = 200
"""Over half a sphere: 10 degrees apart."""
CONE = 20.0
"""Degrees about a direction within which reflections tell its limit. Limits of directions 90 degrees apart that differ
by a fifth are 5% off at its edge."""
PER_SHELL, MOST_SHELLS = 80, 25
"""Reflections of a shell of a cone, with which CC1/2 of 0.3 is known to 0.1; where there are many, shells hold more."""
ASIDE = np.array([0.83, 0.47, 0.30])
"""Near no axis of any point group: of equivalent directions the one nearest to it is looked at."""
LEAST_SHELLS = 3
EDGE_COVER = 0.98
"""Of the longest reciprocal lattice vector of a cone, from which a limit is the end of the data, not of the signal."""
WITHIN = 1 - 1e-5
"""Of the end of the data: a limit there is the end."""


@dataclass(frozen=True, slots=True, eq=False)
class DirectionLimits:
    """The limit in each of D directions.

    direction : (D, 3) unit vectors, none of which is equivalent to another
    s_max : (D,) 1/d of the limit, 1/Angstrom: that of all directions together unless there is evidence for another
    is_edge : (D,) bool, the data end there and the signal does not
    by_signal : (D,) bool, too few reflections were measured twice, and I/sigma told
    is_told : (D,) bool, enough reflections lie around for the direction to have a limit of its own
    """

    direction: np.ndarray
    s_max: np.ndarray
    is_edge: np.ndarray
    by_signal: np.ndarray
    is_told: np.ndarray

    def alike(self, common: float, end: float) -> DirectionLimits:
        """The same with one limit in all, 1/d; end : of the data."""
        is_edge = (self.is_edge & (self.s_max <= common)) | (common >= end * WITHIN)
        return replace(self, s_max=np.full(len(self.s_max), common), is_edge=is_edge)


def half_sphere(n: int = N_DIRECTIONS) -> np.ndarray:
    """(n, 3) unit vectors evenly over half a sphere (a Fibonacci lattice)."""
    k = np.arange(n) + 0.5
    z = k / n
    angle = np.pi * (1 + 5**0.5) * k
    across = np.sqrt(1 - z**2)
    return np.column_stack([across * np.cos(angle), across * np.sin(angle), z])


def distinct(direction: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Those of directions (D, 3) that lie nearer to ASIDE than what the point group, and inversion, make of them."""
    nearest = np.abs(np.einsum("rij,dj->rdi", rotations, direction) @ ASIDE).max(axis=0)
    return direction[np.abs(direction @ ASIDE) >= nearest - 1e-9]


def direction_limits(unit: np.ndarray, rotations: np.ndarray, every: Cone, common: float) -> DirectionLimits:
    """Where CC1/2, which may only fall, falls to a limit in each direction; where it is not known, I/sigma does.

    unit : (G, 3) along the reciprocal lattice vectors of the unique reflections of `every`, in that order
    rotations : (R, 3, 3) of the point group, in the same Cartesian frame, under which all directions are alike
    common : 1/d of the limit of all directions together, which each has whose reflections do not tell of another
    """
    direction = distinct(half_sphere(), rotations)
    found = np.tile([common, common >= every.end * WITHIN, 0.0, 0.0], (len(direction), 1))
    for n, u in enumerate(direction):
        near = np.abs(unit @ (rotations @ u).T).max(axis=1) > np.cos(np.radians(CONE))
        if np.count_nonzero(near) >= LEAST_SHELLS * PER_SHELL:
            cone = every.part(near)
            found[n] = (*_own_limit(cone, common), cone.by_signal, True)
    return DirectionLimits(direction, found[:, 0], *(found[:, 1:] == 1).T)


def _own_limit(cone: Cone, common: float) -> tuple[float, bool]:
    """1/d of the limit that a cone's reflections have evidence for, and whether the data end there."""
    at, is_edge = limit_of(cone)
    if is_edge and at <= common:
        return at, True
    own = believed(cone, at, common)
    if own == at:
        return at, is_edge
    return own, own >= cone.end * WITHIN


def limit_of(cone: Cone) -> tuple[float, bool]:
    """1/d of the limit of a cone's reflections, and whether the data end there."""
    shells = np.array_split(np.arange(len(cone.rows)), max(min(len(cone.rows) // PER_SHELL, MOST_SHELLS), 1))
    middle = np.array([cone.length[shell].mean() for shell in shells])
    at = falls_to(middle, np.array([cone.value(shell)[0] for shell in shells]), cone.threshold)
    return (cone.end, True) if at is None else (at, at >= EDGE_COVER * cone.end)


def falls_to(x: np.ndarray, value: np.ndarray, limit: float) -> float | None:
    """Where a value that may only fall with x falls to a limit; None where it never does, x[0] where it is below."""
    falling = scipy.optimize.isotonic_regression(value, increasing=False).x
    above = np.flatnonzero(falling > limit)
    if not len(above):
        return float(x[0])
    last = int(above[-1])
    if last == len(x) - 1:
        return None
    part = (falling[last] - limit) / (falling[last] - falling[last + 1])
    return float(x[last] + part * (x[last + 1] - x[last]))
