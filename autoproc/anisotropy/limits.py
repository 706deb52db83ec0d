"""The resolution limit in every direction, from what the reflections around it say by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from autoproc.merging.correlation import HalfSets

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
LEAST_PAIRS = 0.5
"""Part of a shell's reflections that must have been measured twice for its CC1/2 to be taken; else I/sigma tells."""
EDGE_COVER = 0.98
"""Of the longest reciprocal lattice vector of a cone, from which a limit is the end of the data, not of the signal."""


@dataclass(frozen=True, slots=True, eq=False)
class DirectionLimits:
    """The limit in each of D directions.

    direction : (D, 3) unit vectors, none of which is equivalent to another
    s_max : (D,) 1/d of the limit, 1/Angstrom, NaN where too few reflections lie around
    is_edge : (D,) bool, the data end there and the signal does not
    by_signal : (D,) bool, too few reflections were measured twice, and I/sigma told
    """

    direction: np.ndarray
    s_max: np.ndarray
    is_edge: np.ndarray
    by_signal: np.ndarray


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


def direction_limits(
    s: np.ndarray,
    rotations: np.ndarray,
    halves: HalfSets,
    i_over_sigma: np.ndarray,
    cc_limit: float,
    misigma: float,
) -> DirectionLimits:
    """Where CC1/2, which may only fall, falls to cc_limit in each direction; where it is not known, I/sigma to misigma.

    s : (G, 3) reciprocal lattice vectors of unique reflections, 1/Angstrom; i_over_sigma : (G,) of merged intensities
    rotations : (R, 3, 3) of the point group, in the same Cartesian frame, under which all directions are alike
    """
    length = np.linalg.norm(s, axis=1)
    unit = s / length[:, None]
    direction = distinct(half_sphere(), rotations)
    found = np.full((len(direction), 3), np.nan)
    for n, u in enumerate(direction):
        near = np.abs(unit @ (rotations @ u).T).max(axis=1) > np.cos(np.radians(CONE))
        rows = np.flatnonzero(near)
        if len(rows) >= LEAST_SHELLS * PER_SHELL:
            found[n] = _limit(rows[np.argsort(length[rows], kind="stable")], length, halves, i_over_sigma,
                              (cc_limit, misigma))  # fmt: skip
    return DirectionLimits(direction, found[:, 0], found[:, 1] == 1, found[:, 2] == 1)


def _limit(
    rows: np.ndarray, length: np.ndarray, halves: HalfSets, i_over_sigma: np.ndarray, limits: tuple[float, float]
) -> tuple[float, bool, bool]:
    """1/d of the limit of a cone's reflections (in order of 1/d), whether the data end there, whether I/sigma told."""
    shells = np.array_split(rows, min(len(rows) // PER_SHELL, MOST_SHELLS))
    middle = np.array([length[shell].mean() for shell in shells])
    pairs = [halves.steady_cc_half(shell) for shell in shells]
    share = np.mean([n / len(shell) for (_, n), shell in zip(pairs, shells, strict=True)])
    by_signal = bool(share < LEAST_PAIRS)
    if by_signal:
        value, limit = np.array([i_over_sigma[shell].mean() for shell in shells]), limits[1]
    else:
        value, limit = np.array([0.0 if cc is None else cc for cc, _ in pairs]), limits[0]
    at = falls_to(middle, value, limit)
    end = float(length[rows[-1]])
    return (end, True, by_signal) if at is None else (at, at >= EDGE_COVER * end, by_signal)


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
