"""Rotations."""

from __future__ import annotations

import numpy as np

from autoproc.models.experiment import Goniometer

GENERATORS = np.cross(np.eye(3)[:, None], np.eye(3)[None, :]).swapaxes(1, 2)
"""(3, 3, 3) matrices of the cross products with x, y and z: GENERATORS[k] @ v is e_k x v."""


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 3) vector products; for a few vectors several times as fast as numpy's, to the same last bit."""
    result = np.empty(np.broadcast_shapes(np.shape(a), np.shape(b)))
    result[..., 0] = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    result[..., 1] = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    result[..., 2] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return result


def rotation_matrix(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """(..., 3, 3) right-handed rotations by `angle` (...), radians, about a unit `axis` (3,) (Rodrigues)."""
    axis = np.asarray(axis, float)
    angle = np.asarray(angle, float)[..., None, None]
    x, y, z = axis
    turn = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * turn + (1 - np.cos(angle)) * (turn @ turn)


def rotation_of_vector(vector: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations exp([vector]x) of rotation vectors (..., 3), radians."""
    vector = np.asarray(vector, float)
    turn = np.zeros((*vector.shape, 3))
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    turn[..., 2, 1], turn[..., 0, 2], turn[..., 1, 0] = x, y, z
    turn[..., 1, 2], turn[..., 2, 0], turn[..., 0, 1] = -x, -y, -z
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    half = np.sinc(angle / (2 * np.pi))
    return np.eye(3) + np.sinc(angle / np.pi) * turn + 0.5 * half**2 * (turn @ turn)


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """(..., 3, 3) proper rotations nearest to matrices, by their polar decomposition."""
    left, _, right = np.linalg.svd(matrix)
    hand = np.ones(matrix.shape[:-1])
    hand[..., 2] = np.sign(np.linalg.det(left @ right))
    return (left * hand[..., None, :]) @ right


def turned_by(rotations: np.ndarray) -> np.ndarray:
    """(...) degrees, 0 to 180, by which rotations (..., 3, 3) turn."""
    return np.degrees(np.arccos(np.clip((np.trace(rotations, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles, radians, brought into [-pi, pi)."""
    return angle - 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi))


def rotate_about(axis: np.ndarray, angle: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(N, 3) vectors, each turned by its own angle (N,), radians, about one unit axis."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along = (vectors @ axis)[:, None] * axis
    return along + cos * (vectors - along) + sin * cross(axis, vectors)


def lab_from_crystal(goniometer: Goniometer, phi: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """S R(phi) F v: (N, 3) vectors of the crystal's frame at angles (N,), radians, in the laboratory."""
    return rotate_about(goniometer.axis, phi, vectors @ goniometer.fixed.T) @ goniometer.setting.T


def lab_rotations(goniometer: Goniometer, phi: np.ndarray) -> np.ndarray:
    """(N, 3, 3) S R(phi) F: from the crystal's frame to the laboratory at angles (N,), radians."""
    return goniometer.setting @ rotation_matrix(goniometer.axis, phi) @ goniometer.fixed


def turn_to_crystal(goniometer: Goniometer) -> np.ndarray:
    """(3, 3, 3) T, with which v @ (T[0] + cos(phi) T[1] + sin(phi) T[2]) is crystal_from_lab of a vector v at phi."""
    axis = goniometer.axis
    along = np.outer(axis, axis)
    across = np.tensordot(axis, GENERATORS, axes=1)  # v @ across is v x axis
    return goniometer.setting @ np.stack([along, np.eye(3) - along, across]) @ goniometer.fixed


def crystal_from_lab(goniometer: Goniometer, phi: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The inverse of lab_from_crystal."""
    return rotate_about(goniometer.axis, -np.asarray(phi), vectors @ goniometer.setting) @ goniometer.fixed
