"""Least-squares orientation and cell of a crystal whose metric obeys a group of rotations.

Beam, detector and goniometer stay fixed, so that lattices of different symmetry can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.detector import mm_from_s1
from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.rotation import crystal_from_lab, lab_from_crystal, rotation_matrix
from autoproc.models.experiment import Experiment
from autoproc.symmetry.reindex import constrain_setting

N_CYCLES = 8
OUTLIER = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Indexed spots: hkl (N, 3); position (N, 3) mm, mm, radians; weight (N, 3); panel (N,)."""

    hkl: np.ndarray
    position: np.ndarray
    weight: np.ndarray
    panel: np.ndarray

    def __len__(self) -> int:
        return len(self.hkl)

    def __getitem__(self, rows: np.ndarray) -> Spots:
        """The rows of a mask or index array."""
        return Spots(self.hkl[rows], self.position[rows], self.weight[rows], self.panel[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A : (3, 3) refined setting matrix; residuals : (N, 3) mm, mm, radians; used : (N,) bool, not outliers."""

    A: np.ndarray
    residuals: np.ndarray
    used: np.ndarray


def fit_constrained(experiment: Experiment, A: np.ndarray, spots: Spots, rotations: np.ndarray) -> Fit:
    """Refine A (3, 3) with the reciprocal metric invariant under rotations (n, 3, 3) of the same basis."""
    A = constrain_setting(A, rotations)
    shapes = invariant_metrics(rotations)
    for cycle in range(N_CYCLES):
        residuals, gradient = predict(experiment, A, spots)
        used = _inliers(residuals, OUTLIER if cycle > 1 else 3 * OUTLIER)
        step = _step(A, spots[used], residuals[used], gradient[used], shapes)
        A = rotation_of(step[:3]) @ A @ (np.eye(3) + np.tensordot(step[3:], _strains(A, shapes), 1))
        if np.abs(step).max() < 1e-7:
            break
    residuals, _ = predict(experiment, A, spots)
    return Fit(A, residuals, _inliers(residuals, OUTLIER))


def rotation_of(vector: np.ndarray) -> np.ndarray:
    """(3, 3) rotation by a vector along its axis, of length radians."""
    angle = float(np.linalg.norm(vector))
    return rotation_matrix(vector / angle, angle) if angle > 0 else np.eye(3)


def invariant_metrics(rotations: np.ndarray) -> np.ndarray:
    """(k, 3, 3) a basis of the symmetric matrices S with W S W^T = S: 6 for triclinic, 1 for cubic."""
    rows, columns = np.triu_indices(3)
    units = np.zeros((6, 3, 3))
    units[range(6), rows, columns] = units[range(6), columns, rows] = 1
    means = np.mean([w @ units @ w.T for w in np.asarray(rotations, float)], axis=0)
    _, sizes, directions = np.linalg.svd(means.reshape(6, 9))
    return directions[:6][sizes > 1e-9].reshape(-1, 3, 3)


def _strains(A: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """(k, 3, 3) T with A (1 + T) changing the metric A^T A by a multiple of S, for each S of `shapes`."""
    metric = A.T @ A
    return np.array([np.linalg.solve(metric, s * np.trace(metric)) / 2 for s in shapes])


def predict(experiment: Experiment, A: np.ndarray, spots: Spots) -> tuple[np.ndarray, np.ndarray]:
    """Observed minus predicted, (N, 3) mm, mm, radians, and d(predicted)/d(A h), (N, 3, 3).

    The derivative's rows are x, y, phi; its columns the reciprocal lattice vector in the crystal's
    frame. NaN where the reflection does not diffract.
    """
    goniometer, s0 = experiment.goniometer, experiment.beam.s0
    rlp = spots.hkl @ A.T
    angles = ewald_angles(goniometer, experiment.beam, rlp)
    apart = (angles - spots.position[:, 2:] + np.pi) % (2 * np.pi) - np.pi
    nearest = np.argmin(np.where(np.isnan(apart), np.inf, np.abs(apart)), axis=1)
    phi = spots.position[:, 2] + apart[np.arange(len(apart)), nearest]
    r = lab_from_crystal(goniometer, phi, rlp)
    s1 = r + s0
    velocity = np.cross(goniometer.lab_axis, r)
    with np.errstate(divide="ignore", invalid="ignore"):
        d_phi = -s1 / np.einsum("ij,ij->i", velocity, s1)[:, None]
    xy, d_xy = _on_panels(experiment, s1, spots.panel)
    d_xy = d_xy + np.einsum("nij,nj->ni", d_xy, velocity)[:, :, None] * d_phi[:, None, :]
    gradient = np.concatenate([d_xy, d_phi[:, None, :]], axis=1)
    for row in range(3):
        gradient[:, row] = crystal_from_lab(goniometer, phi, gradient[:, row])
    return spots.position - np.column_stack([xy, phi]), gradient


def _on_panels(experiment: Experiment, s1: np.ndarray, panel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays meet their panels, (N, 2) mm, and d(x, y)/d(s1), (N, 2, 3)."""
    xy = np.full((len(s1), 2), np.nan)
    derivative = np.full((len(s1), 2, 3), np.nan)
    for index, model in enumerate(experiment.detector.panels):
        rows = panel == index
        inverse = np.linalg.inv(model.d_matrix)
        xy[rows] = mm_from_s1(model, s1[rows])
        depth = (s1[rows] @ inverse[2])[:, None, None]
        derivative[rows] = (inverse[None, :2] - xy[rows][:, :, None] * inverse[2]) / depth
    return xy, derivative


def _inliers(residuals: np.ndarray, limit: float) -> np.ndarray:
    """(N,) bool: within `limit` robust standard deviations of the median in x, y and phi."""
    finite = np.isfinite(residuals).all(axis=1)
    if not finite.any():
        return finite
    centre = np.median(residuals[finite], axis=0)
    spread = 1.4826 * np.median(np.abs(residuals[finite] - centre), axis=0) + 1e-9
    with np.errstate(invalid="ignore"):
        return finite & np.all(np.abs(residuals - centre) < limit * spread, axis=1)


def _step(A: np.ndarray, spots: Spots, residuals: np.ndarray, gradient: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Gauss-Newton step: three of rotation, radians, then one for each shape."""
    generators = np.array([[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
                           [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], float)  # fmt: skip
    changes = np.concatenate([generators @ A, A @ _strains(A, shapes)])
    moved = np.einsum("kij,nj->kni", changes, spots.hkl.astype(float))
    root = np.sqrt(spots.weight)
    design = np.einsum("nri,kni->nrk", gradient, moved) * root[:, :, None]
    design = design.reshape(-1, len(changes))
    normal = design.T @ design
    right = design.T @ (residuals * root).ravel()
    damping = 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    return np.linalg.solve(normal + damping, right)
