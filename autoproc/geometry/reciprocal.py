"""Reciprocal space: from spots to reciprocal lattice points and back."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.detector import lab_of_spots, px_from_s1, px_to_mm
from autoproc.geometry.rotation import cross, crystal_from_lab, lab_from_crystal, wrapped
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer
from autoproc.models.reflections import Reflections


def resolution(beam: Beam, s1: np.ndarray) -> np.ndarray:
    """(N,) d-spacing, Angstrom, of wave vectors (N, 3)."""
    return 1.0 / np.maximum(np.linalg.norm(s1 - beam.s0, axis=-1), 1e-12)


def s1_of_spots(detector: Detector, beam: Beam, panel: np.ndarray, xy_px: np.ndarray) -> np.ndarray:
    """(N, 3) diffracted wave vectors, 1/Angstrom, of positions (N, 2) px on panels (N,)."""
    lab = lab_of_spots(detector, panel, xy_px)
    return lab / (np.linalg.norm(lab, axis=1, keepdims=True) * beam.wavelength)


def in_mm(experiment: Experiment, panel: np.ndarray, xyz_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (N, 3) px, px, frame on panels (N,) in mm, mm, radians, and the size of a pixel and frame, (N, 3)."""
    xyz, size = np.empty((len(xyz_px), 3)), np.empty((len(xyz_px), 3))
    for index, model in enumerate(experiment.detector.panels):
        here = panel == index
        xyz[here, :2] = px_to_mm(model, xyz_px[here, :2])
        size[here, :2] = model.pixel_size
    xyz[:, 2] = experiment.scan.phi_at(xyz_px[:, 2])
    size[:, 2] = np.radians(abs(experiment.scan.oscillation[1]))
    return xyz, size


def map_to_reciprocal_space(experiment: Experiment, spots: Reflections) -> Reflections:
    """Add xyz_obs_mm (and its variance), s1, rlp and d to spots with centroids in pixels and frames.

    rlp is the reciprocal lattice point in the crystal's frame at phi = 0, 1/Angstrom.
    """
    xyz = spots["xyz_obs_px"]
    xyz_mm, scale = in_mm(experiment, spots["panel"], xyz)
    s1 = s1_of_spots(experiment.detector, experiment.beam, spots["panel"], xyz[:, :2])
    rlp = crystal_from_lab(experiment.goniometer, xyz_mm[:, 2], s1 - experiment.beam.s0)
    columns = {"xyz_obs_mm": xyz_mm, "s1": s1, "rlp": rlp, "d": resolution(experiment.beam, s1)}
    if "xyz_obs_px_variance" in spots:
        columns["xyz_obs_mm_variance"] = spots["xyz_obs_px_variance"] * scale**2
    return spots.replace(**columns)


def ewald_angles(goniometer: Goniometer, beam: Beam, rlp: np.ndarray) -> np.ndarray:
    """The two rotation angles at which reciprocal lattice points lie on the Ewald sphere.

    rlp : (N, 3) in the crystal's frame, 1/Angstrom. Returns (N, 2) radians in [-pi, pi), NaN for
    points that never diffract. |S R(phi) F r + s0| = |s0| is solved in closed form: with p0 = F r,
    t0 = S^T s0 and the axis m, it reads a cos(phi) + b sin(phi) = c.
    """
    p = rlp @ goniometer.fixed.T
    t = goniometer.setting.T @ beam.s0
    m = goniometer.axis
    along = (p @ m)[:, None] * m
    a = (p - along) @ t
    b = cross(m, p) @ t
    c = -0.5 * np.einsum("ij,ij->i", p, p) - along @ t
    radius = np.hypot(a, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = np.arccos(c / radius)
    centre = np.arctan2(b, a)
    angles = np.stack([centre - half, centre + half], axis=1)
    return wrapped(angles)


def nearest_crossing(angles: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """(N,) of two angles (N, 2), as ewald_angles gives them, the one nearest to phi (N,), in its turn; NaN if none."""
    difference = wrapped(angles - phi[:, None])
    nearest = np.argmin(np.where(np.isnan(difference), np.inf, np.abs(difference)), axis=1)
    return phi + difference[np.arange(len(phi)), nearest]


def zeta(goniometer: Goniometer, beam: Beam, s1: np.ndarray) -> np.ndarray:
    """(N,) m2 . e1 of Kabsch (2010): how steeply points with wave vectors s1 (N, 3) cut the Ewald sphere."""
    across = cross(s1, beam.s0)
    return across @ goniometer.lab_axis / np.maximum(np.linalg.norm(across, axis=1), 1e-12)


def is_entering(goniometer: Goniometer, beam: Beam, s1: np.ndarray) -> np.ndarray:
    """(N,) bool: the point moves into the Ewald sphere as phi grows: s1 . (s0 x m2) < 0."""
    return s1 @ cross(beam.s0, goniometer.lab_axis) < 0


def predict_near(experiment: Experiment, A: np.ndarray, hkl: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Predicted (N, 3) position (px, px, phi in radians) of hkl (N, 3), on the crossing nearest phi (N,).

    A : (3, 3) or (N, 3, 3) setting matrices. Only the first panel is used. NaN where a reflection
    never diffracts or its ray misses the panel's plane.
    """
    rlp = hkl @ A.T if A.ndim == 2 else np.einsum("nij,nj->ni", A, hkl.astype(float))
    predicted = nearest_crossing(ewald_angles(experiment.goniometer, experiment.beam, rlp), phi)
    s1 = lab_from_crystal(experiment.goniometer, predicted, rlp) + experiment.beam.s0
    return np.column_stack([px_from_s1(experiment.detector[0], s1), predicted])
