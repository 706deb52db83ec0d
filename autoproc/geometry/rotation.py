"""Rotations."""

from __future__ import annotations

import numpy as np

from autoproc.models.experiment import Goniometer


def rotation_matrix(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """(..., 3, 3) right-handed rotations by `angle` (...), radians, about a unit `axis` (3,) (Rodrigues)."""
    axis = np.asarray(axis, float)
    angle = np.asarray(angle, float)[..., None, None]
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def rotate_about(axis: np.ndarray, angle: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(N, 3) vectors, each turned by its own angle (N,), radians, about one unit axis."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along = (vectors @ axis)[:, None] * axis
    return along + cos * (vectors - along) + sin * np.cross(axis, vectors)


def lab_from_crystal(goniometer: Goniometer, phi: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """S R(phi) F v: (N, 3) vectors of the crystal's frame at angles (N,), radians, in the laboratory."""
    return rotate_about(goniometer.axis, phi, vectors @ goniometer.fixed.T) @ goniometer.setting.T


def crystal_from_lab(goniometer: Goniometer, phi: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The inverse of lab_from_crystal."""
    return rotate_about(goniometer.axis, -np.asarray(phi), vectors @ goniometer.setting) @ goniometer.fixed
