"""Least-squares orientation and cell of a crystal whose metric obeys a group of rotations.

Beam, detector and goniometer stay fixed, so that lattices of different symmetry can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.constraints import constrain_setting, strain_basis
from autoproc.geometry.detector import mm_from_s1
from autoproc.geometry.reciprocal import ewald_angles, nearest_crossing
from autoproc.geometry.rotation import GENERATORS, crystal_from_lab, lab_from_crystal, rotation_of_vector
from autoproc.models.experiment import Experiment
from autoproc.robust import robust_sigma

N_CYCLES = 8
OUTLIER = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class SpotsToFit:
    """Indexed spots: hkl (N, 3); position (N, 3) mm, mm, radians; weight (N, 3); panel (N,)."""

    hkl: np.ndarray
    position: np.ndarray
    weight: np.ndarray
    panel: np.ndarray

    def __len__(self) -> int:
        return len(self.hkl)

    def __getitem__(self, rows: np.ndarray) -> SpotsToFit:
        """The rows of a mask or index array."""
        return SpotsToFit(self.hkl[rows], self.position[rows], self.weight[rows], self.panel[rows])


@dataclass(frozen=True, slots=True, eq=False)
class ConstrainedFit:
    """A : (3, 3) refined setting matrix; residuals : (N, 3) mm, mm, radians; used : (N,) bool, not outliers."""

    A: np.ndarray
    residuals: np.ndarray
    used: np.ndarray


def fit_constrained(experiment: Experiment, A: np.ndarray, spots: SpotsToFit, rotations: np.ndarray) -> ConstrainedFit:
    """Refine A (3, 3) with the reciprocal metric invariant under rotations (n, 3, 3) of the same basis."""
    A = constrain_setting(A, rotations)
    strains = strain_basis(A, rotations)
    for cycle in range(N_CYCLES):
        residuals, gradient = residuals_and_derivatives(experiment, A, spots)
        used = _inliers(residuals, OUTLIER if cycle > 1 else 3 * OUTLIER)
        step = _step(A, spots[used], residuals[used], gradient[used], strains)
        A = rotation_of_vector(step[:3]) @ (np.eye(3) + np.tensordot(step[3:], strains, 1)) @ A
        strains = strain_basis(A, rotations)
        if np.abs(step).max() < 1e-7:
            break
    residuals, _ = residuals_and_derivatives(experiment, A, spots)
    return ConstrainedFit(A, residuals, _inliers(residuals, OUTLIER))


def residuals_and_derivatives(
    experiment: Experiment, A: np.ndarray, spots: SpotsToFit
) -> tuple[np.ndarray, np.ndarray]:
    """Observed minus predicted, (N, 3) mm, mm, radians, and d(predicted)/d(A h), (N, 3, 3).

    The derivative's rows are x, y, phi; its columns the reciprocal lattice vector in the crystal's
    frame. NaN where the reflection does not diffract.
    """
    goniometer, s0 = experiment.goniometer, experiment.beam.s0
    rlp = spots.hkl @ A.T
    angles = ewald_angles(goniometer, experiment.beam, rlp)
    phi = nearest_crossing(angles, spots.position[:, 2])
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
    spread = robust_sigma(residuals[finite] - centre) + 1e-9
    with np.errstate(invalid="ignore"):
        return finite & np.all(np.abs(residuals - centre) < limit * spread, axis=1)


def _step(
    A: np.ndarray, spots: SpotsToFit, residuals: np.ndarray, gradient: np.ndarray, strains: np.ndarray
) -> np.ndarray:
    """Gauss-Newton step: three of rotation, radians, then one for each strain."""
    changes = np.concatenate([GENERATORS, strains]) @ A
    moved = np.einsum("kij,nj->kni", changes, spots.hkl.astype(float))
    root = np.sqrt(spots.weight)
    design = np.einsum("nri,kni->nrk", gradient, moved) * root[:, :, None]
    design = design.reshape(-1, len(changes))
    normal = design.T @ design
    right = design.T @ (residuals * root).ravel()
    damping = 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    return np.linalg.solve(normal + damping, right)
