"""The intensity to be expected of a reflection, by its resolution and its direction.

ln S(s) = smooth(s^2) - s^T B s / 2, B traceless and of the point group's symmetry, found by quasi-likelihood:
intensities about S have the variance k S^2 + sigma^2, k = 1 (acentric) or 2 (centric; Wilson 1949). Neither shells of
noise nor negative intensities need to be left out, and where there is no signal the curve goes on as it fell before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.geometry.shells import shells_of_equal_number

PER_KNOT, MOST_KNOTS, LEAST_KNOTS = 120, 40, 3
STIFFNESS = 30.0
"""What the second differences of the curve's knots, as logarithms, are held to 0 with: the weight of so many strong
reflections. A knot has some 100 of its own, which follow the humps of a protein's curve (simulated); where these are
noise the curve goes on straight."""
HOLD = 1e-3
"""What every number is held with where it began: nothing, beside a single reflection with signal."""
FEWEST = 100
"""Reflections below which directions are not told apart."""
CYCLES = 50
STEADY = 1e-5
LONGEST_STEP = 1.0
"""Of a logarithm in a cycle."""
WILDEST = 20.0
"""Times the expectation at which an intensity is cut: one in 10^9 is so strong, ice and overlaps are."""
LEAST_PART = 1e-9
"""Of the strongest shell's intensity, below which none is expected to be."""


@dataclass(frozen=True, slots=True, eq=False)
class WilsonModel:
    """Expected intensity, epsilon left out.

    knots : (K,) 1/d^2, ascending; log_mean : (K,) ln S there, without direction
    anisotropy : (3, 3) B, Angstrom^2, traceless, in the Cartesian frame of the reciprocal lattice vectors given
    uncertainty : of B's largest difference between two directions, Angstrom^2; NaN where it was not fitted
    """

    knots: np.ndarray
    log_mean: np.ndarray
    anisotropy: np.ndarray
    uncertainty: float

    def expected(self, s: np.ndarray) -> np.ndarray:
        """(N,) at reciprocal lattice vectors s (N, 3), 1/Angstrom, of a reflection with epsilon 1."""
        s2 = np.einsum("ni,ni->n", s, s)
        exponent = np.interp(s2, self.knots, self.log_mean) - 0.5 * np.einsum("ni,ij,nj->n", s, self.anisotropy, s)
        least = self.log_mean.max() + np.log(LEAST_PART)
        return np.exp(np.maximum(exponent, least))

    @property
    def principal(self) -> tuple[np.ndarray, np.ndarray]:
        """(3,) eigenvalues of B, Angstrom^2, ascending (the first direction falls off least), and (3, 3) columns."""
        values, vectors = np.linalg.eigh(self.anisotropy)
        return values, vectors

    @property
    def delta_b(self) -> float:
        """Largest difference of B between two directions, Angstrom^2."""
        values, _ = self.principal
        return float(values[-1] - values[0])


def reciprocal_vectors(cell: gemmi.UnitCell, hkl: np.ndarray) -> np.ndarray:
    """(N, 3) s, 1/Angstrom, Cartesian as gemmi orients the cell (a along x, b in the xy plane)."""
    return np.asarray(hkl, float) @ np.array(cell.frac.mat.tolist())


def wilson_model(
    s: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray,
    is_centric: np.ndarray,
    rotations: np.ndarray | None = None,
) -> WilsonModel:
    """Fit the expectation to merged intensities.

    s : (N, 3) 1/Angstrom; intensity, sigma : (N,) divided by epsilon; is_centric : (N,) bool
    rotations : (R, 3, 3) Cartesian, of the point group; None leaves directions alone
    """
    s2 = np.einsum("ni,ni->n", s, s)
    knots, start = _first_curve(s2, intensity)
    tensors = [] if rotations is None or len(s) < FEWEST else invariant_tensors(rotations)
    design = _Design.of(s2, knots, [-0.5 * np.einsum("ni,ni->n", s @ t, s) for t in tensors])
    penalty = np.zeros((len(knots) + len(tensors),) * 2)
    bend = _second_differences(knots)
    penalty[: len(knots), : len(knots)] = STIFFNESS * bend.T @ bend
    penalty += HOLD * np.eye(len(penalty))
    values = begun = np.concatenate([start, np.zeros(len(tensors))])
    spread = np.where(is_centric, 2.0, 1.0)
    information = penalty
    for _ in range(CYCLES):
        mean = np.exp(np.clip(design.times(values), start.max() + np.log(LEAST_PART), start.max() + 20))
        observed = np.minimum(intensity, WILDEST * spread * (mean + sigma))
        weight = mean / (spread * mean**2 + sigma**2)
        information = design.squared(weight * mean) + penalty
        pull = penalty @ values - HOLD * begun
        step = np.linalg.solve(information, design.against(weight * (observed - mean)) - pull)
        longest = float(np.abs(design.times(step)).max())
        share = min(1.0, LONGEST_STEP / max(longest, 1e-300))
        values = values + share * step
        if share * longest < STEADY:
            break
    anisotropy = sum((v * t for v, t in zip(values[len(knots) :], tensors, strict=True)), np.zeros((3, 3)))
    return WilsonModel(knots, values[: len(knots)], anisotropy, _uncertainty(information, len(knots), tensors))


def _uncertainty(information: np.ndarray, n_knots: int, tensors: list[np.ndarray]) -> float:
    """The root of the largest variance of a difference of B between two directions."""
    if not tensors:
        return float("nan")
    covariance = np.linalg.inv(information)[n_knots:, n_knots:]
    spans = [np.ptp(np.linalg.eigvalsh(t)) for t in tensors]
    return float(np.sqrt(np.max(np.diag(covariance) * np.square(spans))))


def _first_curve(s2: np.ndarray, intensity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Knots of about equal numbers of reflections, with the ends, and ln of the positive part of the shells' means."""
    shells = shells_of_equal_number(s2, PER_KNOT, MOST_KNOTS, LEAST_KNOTS)
    shells = [shell for shell in shells if len(shell)]
    inner = [float(np.mean(s2[shell])) for shell in shells]
    knots = np.unique([s2.min(), *inner, s2.max()])
    if len(knots) < 2:
        knots = np.array([knots[0], knots[0] + 1.0])
    mean = np.array([float(np.mean(intensity[shell])) for shell in shells])
    top = max(float(mean.max()), 1e-30)
    level = np.interp(knots, inner, np.maximum(mean, 1e-3 * top))
    return knots, np.log(np.maximum.accumulate(level[::-1])[::-1])


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """What each value counts for in the logarithms of N expectations: hats of the curve, of which two are not 0.

    place : (N,) intp, the knot before each; part : (N,) of the way to the next; others : (T, N) of each tensor
    """

    place: np.ndarray
    part: np.ndarray
    others: np.ndarray
    n_knots: int

    @classmethod
    def of(cls, x: np.ndarray, knots: np.ndarray, others: Sequence[np.ndarray]) -> _Design:
        """At x (N,), linearly between knots."""
        place = np.clip(np.searchsorted(knots, x, "right") - 1, 0, len(knots) - 2)
        part = np.clip((x - knots[place]) / (knots[place + 1] - knots[place]), 0, 1)
        return cls(place, part, np.array(others).reshape(len(others), len(x)), len(knots))

    def times(self, values: np.ndarray) -> np.ndarray:
        """(N,) the design by values (K + T,)."""
        low, high = values[self.place], values[self.place + 1]
        return low + self.part * (high - low) + values[self.n_knots :] @ self.others

    def against(self, weight: np.ndarray) -> np.ndarray:
        """(K + T,) the sum of its rows, each times its weight (N,)."""
        return np.concatenate([self._on_knots(weight), self.others @ weight])

    def squared(self, weight: np.ndarray) -> np.ndarray:
        """(K + T, K + T) the sum of products of its rows with themselves, each times its weight (N,)."""
        k, size = self.n_knots, self.n_knots + len(self.others)
        result = np.zeros((size, size))
        far, near = weight * self.part, weight * (1 - self.part)
        knot = np.arange(k)
        result[knot, knot] = self._sum(near * (1 - self.part), 0) + self._sum(far * self.part, 1)
        beside = self._sum(near * self.part, 0)[:-1]
        result[knot[:-1], knot[1:]] = result[knot[1:], knot[:-1]] = beside
        for n, column in enumerate(self.others, k):
            result[n, :k] = result[:k, n] = self._on_knots(weight * column)
        result[k:, k:] = (self.others * weight) @ self.others.T
        return result

    def _on_knots(self, weight: np.ndarray) -> np.ndarray:
        """(K,) sums of weights (N,), each shared by the knots on either side."""
        return self._sum(weight * (1 - self.part), 0) + self._sum(weight * self.part, 1)

    def _sum(self, values: np.ndarray, after: int) -> np.ndarray:
        """(K,) sums of values (N,) at the knot before each, or the one after."""
        return np.bincount(self.place + after, values, self.n_knots)


def _second_differences(knots: np.ndarray) -> np.ndarray:
    """(K - 2, K) bend of the curve at its inner knots, for knots a unit apart on average."""
    gaps = np.diff(knots) / np.mean(np.diff(knots))
    bend = np.zeros((max(len(knots) - 2, 0), len(knots)))
    for k in range(len(bend)):
        left, right = gaps[k], gaps[k + 1]
        bend[k, k : k + 3] = 1 / left, -1 / left - 1 / right, 1 / right
    return bend


def invariant_tensors(rotations: np.ndarray) -> list[np.ndarray]:
    """Traceless symmetric tensors (3, 3), orthonormal, that rotations (R, 3, 3) leave as they are: 0 to 5 of them."""
    basis = []
    for i, j in ((0, 0), (1, 1), (0, 1), (0, 2), (1, 2)):
        tensor = np.zeros((3, 3))
        tensor[i, j] = tensor[j, i] = 1.0
        basis.append(tensor - np.eye(3) * np.trace(tensor) / 3)
    averaged = np.array([np.mean(rotations @ t @ np.swapaxes(rotations, 1, 2), axis=0).ravel() for t in basis])
    _, size, rows = np.linalg.svd(averaged, full_matrices=False)
    return [row.reshape(3, 3) for row, weight in zip(rows, size, strict=True) if weight > 1e-6]


def cartesian_rotations(group: gemmi.SpaceGroup, cell: gemmi.UnitCell) -> np.ndarray:
    """(R, 3, 3) the point group's rotations in the frame of reciprocal_vectors, exact for a cell that has them."""
    orth, frac = (np.array(matrix.mat.tolist()) for matrix in (cell.orth, cell.frac))
    rotations = np.unique([np.array(op.rot) // op.DEN for op in group.operations().sym_ops], axis=0)
    return orth @ rotations @ frac
