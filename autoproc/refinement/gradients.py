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
from autoproc.geometry.rotation import lab_from_crystal, wrapped
from autoproc.kernels.refinement_gradients import position_gradients
from autoproc.models.experiment import Beam, Detector, Goniometer
from autoproc.refinement.model import CrystalModel


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
    q : (N, 3) reciprocal lattice vector in the crystal's frame; r, s1 : (N, 3) laboratory, 1/Angstrom
    """

    xyz: np.ndarray
    q: np.ndarray
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
    q = crystal.q_at(observed.hkl, observed.frame)
    angles = ewald_angles(goniometer, beam, q)
    phi = np.where(observed.entering, angles[:, 1], angles[:, 0])
    phi = observed.xyz[:, 2] + wrapped(phi - observed.xyz[:, 2])
    r = lab_from_crystal(goniometer, phi, q)
    s1 = r + beam.s0
    v = np.einsum("nij,nj->ni", _inverse_d(detector)[observed.panel], s1)
    with np.errstate(divide="ignore", invalid="ignore"):
        xy = np.where(v[:, 2:] > 0, v[:, :2] / v[:, 2:], np.nan)
    return Prediction(np.column_stack([xy, phi]), q, r, s1)


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
    omega = crystal.omega_at(observed.frame)
    by_detector, by_beam, by_crystal = position_gradients(
        (predicted.xyz, predicted.q, predicted.r, predicted.s1, observed.hkl @ crystal.B.T, omega),
        observed.panel,
        (_inverse_d(detector), *detector_frame),
        np.cross(beam_axes, beam.s0),
        (goniometer.lab_axis, goniometer.axis, goniometer.setting, goniometer.fixed),
        (crystal.U, crystal.voigt),
    )
    return Gradients(by_detector, by_beam, by_crystal)


def _inverse_d(detector: Detector) -> np.ndarray:
    return np.linalg.inv(np.array([panel.d_matrix for panel in detector.panels]))
