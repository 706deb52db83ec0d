"""The models under refinement, and how a vector of parameter shifts changes them.

Detectors move as rigid bodies and beams turn by small rotations, each step about the model as it
stands. A crystal's setting at a frame is A = exp(omega) U (1 + E) B, with the rotation vector omega (radians)
and the strain E (see geometry.constraints) given by the coefficients of a smoother.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.constraints import VOIGT
from autoproc.geometry.placement import panel_middle
from autoproc.geometry.rotation import rotation_of_vector
from autoproc.models.experiment import Beam, Detector
from autoproc.refinement.spline_smoother import SplineSmoother


@dataclass(frozen=True, slots=True, eq=False)
class CrystalModel:
    """One crystal under refinement.

    U, B : (3, 3) about which it is refined; strains : (k, 3, 3) basis of allowed strains
    omega : (n_coefficients, 3) radians; strain : (n_coefficients, k)
    """

    U: np.ndarray
    B: np.ndarray
    strains: np.ndarray
    smoother: SplineSmoother
    omega: np.ndarray
    strain: np.ndarray

    @property
    def voigt(self) -> np.ndarray:
        """(6, k) the strain basis as xx, yy, zz, yz, xz, xy components."""
        return np.array([self.strains[:, i, j] for i, j in VOIGT])

    def omega_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, 3) rotation vectors, radians."""
        return self.smoothed(self.omega, self.smoother.weights(frame))

    def strain_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, k) strain coefficients."""
        return self.smoothed(self.strain, self.smoother.weights(frame))

    def A_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, 3, 3) setting matrices, 1/Angstrom."""
        return self.A_of(self.omega_at(frame), self.strain_at(frame))

    def A_of(self, omega: np.ndarray, strain: np.ndarray) -> np.ndarray:
        """(N, 3, 3) setting matrices of rotation vectors (N, 3) and strain coefficients (N, k)."""
        stretch = np.eye(3) + np.tensordot(strain, self.strains, axes=1)
        return rotation_of_vector(omega) @ self.U @ stretch @ self.B

    def mean_weights(self) -> np.ndarray:
        """(n_coefficients,) weights of the average over the scan."""
        n = max(2, int(np.ceil(self.smoother.n_frames)) + 1)
        return self.smoother.matrix(np.linspace(0, self.smoother.n_frames, n)).mean(axis=0)

    @staticmethod
    def smoothed(coefficients: np.ndarray, curve: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """(N, p) of coefficients (n_coefficients, p), by what the smoother gives for some frames."""
        first, weights = curve
        if len(first) and first.min() == first.max():
            return weights @ coefficients[first[0] : first[0] + weights.shape[1]]
        active = coefficients[first[:, None] + np.arange(weights.shape[1])]
        return np.einsum("na,nap->np", weights, active)


def detector_centre(detector: Detector) -> np.ndarray:
    """(3,) mean of the panels' centres, mm."""
    return np.mean([panel_middle(panel) for panel in detector.panels], axis=0)


def detector_axes(detector: Detector) -> np.ndarray:
    """(3, 3) rows fast, slow, normal of the first panel: the directions of the detector's parameters."""
    panel = detector[0]
    return np.array([panel.fast_axis, panel.slow_axis, panel.normal])


def turned_beam(beam: Beam, rotation: np.ndarray) -> Beam:
    """The beam turned by a rotation vector (3,), radians."""
    turn = rotation_of_vector(rotation)
    return replace(beam, direction=turn @ beam.direction, polarization_normal=turn @ beam.polarization_normal)


def beam_turning_axes(beam: Beam, lab_axis: np.ndarray) -> np.ndarray:
    """(2, 3) unit axes that turn the beam within the plane of beam and spindle, and out of it.

    Turning the beam about the spindle together with detector and crystal changes nothing that
    can be observed: that is the second axis, and why it is fixed by default.
    """
    direction = beam.direction / np.linalg.norm(beam.direction)
    within = np.cross(lab_axis, direction)
    within /= np.linalg.norm(within)
    return np.array([within, np.cross(direction, within)])
