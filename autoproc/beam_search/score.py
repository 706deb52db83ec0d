"""How well a shift of the beam centre brings the spots onto a lattice through the origin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.reciprocal import s1_of_spots
from autoproc.geometry.rotation import crystal_from_lab
from autoproc.models.experiment import Detector, Experiment


def shift_beam_centre(experiment: Experiment, shift_mm: np.ndarray) -> Experiment:
    """The beam centre `shift_mm` (fast, slow of the first panel) further: the detector moves the other way."""
    first = experiment.detector[0]
    move = -(shift_mm[0] * first.fast_axis + shift_mm[1] * first.slow_axis)
    panels = tuple(replace(panel, origin=panel.origin + move) for panel in experiment.detector.panels)
    return replace(experiment, detector=Detector(panels))


@dataclass(frozen=True, slots=True, eq=False)
class SpotPositions:
    """Where spots were seen: panel (N,), xyz (N, 3) px, px, frame."""

    panel: np.ndarray
    xyz: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> SpotPositions:
        """The rows of a mask or index array."""
        return SpotPositions(self.panel[rows], self.xyz[rows])

    def reciprocal(self, experiment: Experiment, shift_mm: np.ndarray) -> np.ndarray:
        """(N, 3) reciprocal lattice points, 1/Angstrom, with the beam centre shifted."""
        shifted = shift_beam_centre(experiment, shift_mm)
        s1 = s1_of_spots(shifted.detector, shifted.beam, self.panel, self.xyz[:, :2])
        phi = shifted.scan.phi_at(self.xyz[:, 2])
        return crystal_from_lab(shifted.goniometer, phi, s1 - shifted.beam.s0)

    def derivative(self, experiment: Experiment, shift_mm: np.ndarray, step: float = 0.05) -> np.ndarray:
        """(N, 3, 2) change of the points with the shift, 1/(Angstrom mm)."""
        columns = [
            (self.reciprocal(experiment, shift_mm + h) - self.reciprocal(experiment, shift_mm - h)) / (2 * step)
            for h in step * np.eye(2)
        ]
        return np.stack(columns, axis=2)


def agreement(points: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """(K,) mean of cos(2 pi r . t) over the points (N, 3) for each period (K, 3): 1 on a lattice."""
    return np.cos(2 * np.pi * (points @ periods.T)).mean(axis=0)


def agreement_map(
    points: np.ndarray, derivative: np.ndarray, periods: np.ndarray, weights: np.ndarray, shifts: np.ndarray
) -> np.ndarray:
    """(G, G) mean agreement with the points moved by derivative @ (shifts[i], shifts[j]).

    The phase is linear in both shifts, so the sum over the points is a product of two matrices.
    """
    total = np.zeros((len(shifts), len(shifts)))
    for period, weight in zip(periods, weights / np.sum(weights), strict=True):
        along = np.einsum("nij,i->jn", derivative, period)
        fast = np.exp(2j * np.pi * (np.outer(shifts, along[0]) + points @ period))
        slow = np.exp(2j * np.pi * np.outer(along[1], shifts))
        total += weight * (fast @ slow).real
    return total / len(points)


def local_maxima(values: np.ndarray, n: int, apart: int) -> list[tuple[int, int]]:
    """The places of the n highest maxima of a map, no two within `apart` points of each other."""
    left = values.copy()
    found = []
    for _ in range(n):
        i, j = (int(k) for k in np.unravel_index(int(np.argmax(left)), left.shape))
        if not np.isfinite(left[i, j]):
            break
        found.append((i, j))
        left[max(i - apart, 0) : i + apart + 1, max(j - apart, 0) : j + apart + 1] = -np.inf
    return found


def refine_shift(
    points: np.ndarray, derivative: np.ndarray, periods: np.ndarray, limit: float, n_steps: int = 25
) -> tuple[np.ndarray, np.ndarray]:
    """The shift (2,) within `limit` mm, and periods (K, 3), that agree best, starting from no shift.

    All are refined together, as a shift looks much like a change of the periods; limit = 0 refines
    the periods alone. Levenberg-Marquardt on the phases, spots beyond a quarter of a cycle left out.
    """
    shift, score, damping = np.zeros(2), float(agreement(points, periods).mean()), 1e-3
    for _ in range(n_steps):
        matrix, gradient = _normal_equations(points + derivative @ shift, derivative, periods, limit > 0)
        # a parameter that no spot depends on makes the matrix singular: least squares leave it where it is
        diagonal = np.diag(matrix) + 1e-12 * np.trace(matrix)
        step = np.linalg.lstsq(matrix + np.diag(damping * diagonal), gradient, rcond=None)[0]
        new_shift = np.clip(shift + step[:2], -limit, limit)
        new_periods = periods + step[2:].reshape(-1, 3)
        new_score = float(agreement(points + derivative @ new_shift, new_periods).mean())
        if new_score < score:
            damping *= 10
            continue
        gain, damping = new_score - score, max(damping / 10, 1e-6)
        shift, periods, score = new_shift, new_periods, new_score
        if gain < 1e-6:
            break
    return shift, periods


def _normal_equations(
    points: np.ndarray, derivative: np.ndarray, periods: np.ndarray, moves: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Of the least squares of the phases, in (shift, period 0, period 1, ...)."""
    k = len(periods)
    phase = points @ periods.T
    phase -= np.rint(phase)
    weight = np.maximum(np.cos(2 * np.pi * phase), 0.0)
    # derivative of each phase with the shift, and with its own period
    by_shift = np.einsum("nij,ki->knj", derivative, periods) * moves
    matrix, gradient = np.zeros((2 + 3 * k, 2 + 3 * k)), np.zeros(2 + 3 * k)
    for n, (w, p, by) in enumerate(zip(weight.T, phase.T, by_shift, strict=True)):
        own = slice(2 + 3 * n, 5 + 3 * n)
        weighted = w[:, None] * points
        matrix[own, own] = weighted.T @ points
        matrix[:2, own] = by.T @ weighted
        matrix[own, :2] = matrix[:2, own].T
        matrix[:2, :2] += by.T @ (w[:, None] * by)
        gradient[own] = -weighted.T @ p
        gradient[:2] -= by.T @ (w * p)
    return matrix, gradient
