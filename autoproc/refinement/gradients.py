"""Predicted positions of observed spots and their analytic derivatives.

With r the reciprocal lattice vector in the laboratory at the predicted angle, s1 = s0 + r, the lab axis e
and w = e x r, the diffraction condition |s1| = |s0| gives for any change of r and s0

    dphi = -(s1 . dr + r . ds0) / (s1 . w)
    ds1  = dr + ds0 + w dphi

and with X = (x, y, 1) on the panel and d = (fast, slow, origin), x = (d^-1 s1)_0 / (d^-1 s1)_2:

    dx = g_x . (ds1 - (motion of the point on the panel) (d^-1 s1)_2),  g_x = (d^-1_0 - x d^-1_2) / (d^-1 s1)_2

so that one 3 x 3 matrix per reflection (rows x, y, phi) holds what any crystal parameter needs
(compare Waterman et al. 2016, Acta D72, 558, whose parameters are others).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.reciprocal import ewald_angles
from autoproc.geometry.rotation import crystal_from_lab, lab_from_crystal
from autoproc.models.experiment import Beam, Detector, Goniometer
from autoproc.refinement.model import CrystalModel, rotation_of_vector


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Spots of one experiment.

    hkl : (N, 3) float; panel : (N,) int; xyz : (N, 3) mm, mm, radians; frame : (N,)
    weights : (N, 3) 1/mm^2, 1/mm^2, 1/rad^2, zero for spots that do not count
    entering : (N,) bool, which of the two crossings of the Ewald sphere was seen
    """

    hkl: np.ndarray
    panel: np.ndarray
    xyz: np.ndarray
    frame: np.ndarray
    weights: np.ndarray
    entering: np.ndarray

    def __len__(self) -> int:
        return len(self.hkl)

    def __getitem__(self, rows: np.ndarray) -> Observations:
        return Observations(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Where the models put the spots.

    xyz : (N, 3) mm, mm, radians, NaN where a spot cannot diffract or misses its panel
    r, s1 : (N, 3) laboratory, 1/Angstrom
    """

    xyz: np.ndarray
    r: np.ndarray
    s1: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Derivatives of (x, y, phi), each (N, 3, number of parameters)."""

    detector: np.ndarray
    beam: np.ndarray
    crystal: np.ndarray


def predict(
    observed: Observations, beam: Beam, detector: Detector, goniometer: Goniometer, crystal: CrystalModel
) -> Prediction:
    """Predict each spot with the crystal as it stands at the frame where the spot was seen."""
    q = np.einsum("nij,nj->ni", crystal.A_at(observed.frame), observed.hkl)
    angles = ewald_angles(goniometer, beam, q)
    phi = np.where(observed.entering, angles[:, 1], angles[:, 0])
    phi = observed.xyz[:, 2] + (phi - observed.xyz[:, 2] + np.pi) % (2 * np.pi) - np.pi
    r = lab_from_crystal(goniometer, phi, q)
    s1 = r + beam.s0
    v = np.einsum("nij,nj->ni", _inverse_d(detector)[observed.panel], s1)
    with np.errstate(divide="ignore", invalid="ignore"):
        xy = np.where(v[:, 2:] > 0, v[:, :2] / v[:, 2:], np.nan)
    return Prediction(np.column_stack([xy, phi]), r, s1)


def residuals(observed: Observations, predicted: Prediction) -> np.ndarray:
    """(N, 3) predicted minus observed, mm, mm, radians."""
    return predicted.xyz - observed.xyz


def gradients(
    observed: Observations,
    predicted: Prediction,
    models: tuple[Beam, Detector, Goniometer, CrystalModel],
    detector_frame: tuple[np.ndarray, np.ndarray],
    beam_axes: np.ndarray,
) -> Gradients:
    """Derivatives with respect to small motions of detector, beam and crystal.

    detector_frame : (3, 3) rows of directions and the (3,) centre of rotation: six parameters, three
        translations along the directions (mm), three rotations about them (radians)
    beam_axes : (b, 3) axes about which the beam turns, radians
    The crystal's parameters are omega (3) and the strain coefficients (k) at the spot's own frame.
    """
    beam, detector, goniometer, crystal = models
    inverse = _inverse_d(detector)[observed.panel]
    x, y, phi = predicted.xyz.T
    depth = np.einsum("ni,ni->n", inverse[:, 2], predicted.s1)[:, None]
    facing = np.stack([inverse[:, 0] - x[:, None] * inverse[:, 2], inverse[:, 1] - y[:, None] * inverse[:, 2]], axis=1)
    w = _cross(goniometer.lab_axis, predicted.r)
    speed = np.einsum("ni,ni->n", predicted.s1, w)
    slope = np.einsum("nai,ni->na", facing, w) / (depth * speed[:, None])
    by_r = _rows(facing / depth[:, :, None], slope, predicted.s1, speed)
    by_s0 = _rows(facing / depth[:, :, None], slope, predicted.r, speed)
    point = predicted.s1 / depth
    return Gradients(
        _detector_gradients(facing, point, *detector_frame),
        np.einsum("nai,bi->nab", by_s0, _cross(beam_axes, beam.s0)),
        _crystal_gradients(observed, phi, by_r, goniometer, crystal),
    )


def _rows(facing: np.ndarray, slope: np.ndarray, vector: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """(N, 3, 3): rows x, y, phi of the response to a change of r (vector = s1) or of s0 (vector = r)."""
    rows = np.empty((len(vector), 3, 3))
    rows[:, :2] = facing - slope[:, :, None] * vector[:, None]
    rows[:, 2] = -vector / speed[:, None]
    return rows


def _detector_gradients(
    facing: np.ndarray, point: np.ndarray, directions: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    by_motion = np.zeros((len(point), 3, 6))
    by_motion[:, :2, :3] = -facing @ directions.T
    arm = point - centre
    for k, axis in enumerate(directions):
        by_motion[:, :2, 3 + k] = -np.einsum("nai,ni->na", facing, _cross(axis, arm))
    return by_motion


def _crystal_gradients(
    observed: Observations, phi: np.ndarray, by_r: np.ndarray, goniometer: Goniometer, crystal: CrystalModel
) -> np.ndarray:
    omega = crystal.omega_at(observed.frame)
    q = np.einsum("nij,nj->ni", crystal.A_at(observed.frame), observed.hkl)
    b = observed.hkl @ crystal.B.T
    by_omega, by_stretch = np.empty((len(phi), 3, 3)), np.empty((len(phi), 3, 3))
    RU = rotation_of_vector(omega) @ crystal.U
    for row in range(3):
        by_q = crystal_from_lab(goniometer, phi, by_r[:, row])
        by_omega[:, row] = _by_rotation_vector(omega, _cross(q, by_q))
        by_stretch[:, row] = np.einsum("ni,nij->nj", by_q, RU)
    return np.concatenate([by_omega, _by_strain(by_stretch, b) @ crystal.voigt], axis=2)


def _by_strain(by_stretch: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, 3, 6) derivatives with respect to the components xx, yy, zz, yz, xz, xy of a strain."""
    result = np.empty((len(b), 3, 6))
    result[:, :, :3] = by_stretch * b[:, None]
    for column, (i, j) in enumerate(((1, 2), (0, 2), (0, 1)), start=3):
        result[:, :, column] = by_stretch[:, :, i] * b[:, None, j] + by_stretch[:, :, j] * b[:, None, i]
    return result


def _by_rotation_vector(omega: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Turn a gradient in an infinitesimal rotation after exp(omega) into one in omega itself."""
    angle = np.linalg.norm(omega, axis=1)
    c1 = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    c2 = np.where(angle > 1e-3, (1 - np.sinc(angle / np.pi)) / np.maximum(angle, 1e-3) ** 2, 1 / 6)
    once = _cross(omega, gradient)
    return gradient - c1[:, None] * once + c2[:, None] * _cross(omega, once)


def _inverse_d(detector: Detector) -> np.ndarray:
    return np.linalg.inv(np.array([panel.d_matrix for panel in detector.panels]))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = np.broadcast_arrays(a, b)
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )
