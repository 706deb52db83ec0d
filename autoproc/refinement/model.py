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
from autoproc.refinement.smoother import Smoother


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 3) cross products; several times as fast as numpy.cross on long arrays."""
    result = np.empty(np.broadcast_shapes(a.shape, b.shape))
    result[..., 0] = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    result[..., 1] = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    result[..., 2] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return result


def turned(vectors: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """(N, 3) vectors, each turned by its own rotation vector (N, 3), radians."""
    angle = np.sqrt(np.einsum("ij,ij->i", rotation, rotation))[:, None]
    once = cross(rotation, vectors)
    half = np.sinc(angle / (2 * np.pi))
    return vectors + np.sinc(angle / np.pi) * once + 0.5 * half**2 * cross(rotation, once)


@dataclass(frozen=True, slots=True, eq=False)
class CrystalModel:
    """One crystal under refinement.

    U, B : (3, 3) about which it is refined; strains : (k, 3, 3) basis of allowed strains
    omega : (n_coefficients, 3) radians; strain : (n_coefficients, k)
    """

    U: np.ndarray
    B: np.ndarray
    strains: np.ndarray
    smoother: Smoother
    omega: np.ndarray
    strain: np.ndarray

    @property
    def voigt(self) -> np.ndarray:
        """(6, k) the strain basis as xx, yy, zz, yz, xz, xy components."""
        return np.array([self.strains[:, i, j] for i, j in VOIGT])

    def omega_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, 3) rotation vectors, radians."""
        return self._smooth(frame, self.omega)

    def strain_at(self, frame: np.ndarray) -> np.ndarray:
        """(N, k) strain coefficients."""
        return self._smooth(frame, self.strain)

    def q_at(self, hkl: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """(N, 3) reciprocal lattice vectors A hkl, 1/Angstrom, with A at each one's own frame."""
        if not self.smoother.n_intervals:
            return hkl @ self.A_of(self.omega, self.strain)[0].T
        b = hkl @ self.B.T
        xx, yy, zz, yz, xz, xy = (self.strain_at(frame) @ self.voigt.T).T
        stretched = np.empty_like(b)
        stretched[:, 0] = (1 + xx) * b[:, 0] + xy * b[:, 1] + xz * b[:, 2]
        stretched[:, 1] = xy * b[:, 0] + (1 + yy) * b[:, 1] + yz * b[:, 2]
        stretched[:, 2] = xz * b[:, 0] + yz * b[:, 1] + (1 + zz) * b[:, 2]
        return turned(stretched @ self.U.T, self.omega_at(frame))

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

    def _smooth(self, frame: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        first, weights = self.smoother.weights(frame)
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
