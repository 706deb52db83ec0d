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

from autoproc.kernels.refinement_gradients import position_gradients, predicted_positions
from autoproc.models.experiment import Beam, Detector, Goniometer
from autoproc.refinement.model import CrystalModel


@dataclass(frozen=True, slots=True, eq=False)
class IndexedSpots:
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

    def __getitem__(self, rows: np.ndarray) -> IndexedSpots:
        return IndexedSpots(*(getattr(self, name)[rows] for name in self.__slots__))


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
class WantedDerivatives:
    """Which derivatives are wanted, and how they are weighted.

    detector : (d,) of its six parameters; ds0 : (b, 3) changes of s0 with those of the beam; crystal : (c,) of
        omega (3) and the strain coefficients (k)
    active : (N, a) weights of the crystal's coefficients that count for each spot
    root : (N, 3) by which the derivatives of x, y and phi are multiplied
    """

    detector: np.ndarray
    ds0: np.ndarray
    crystal: np.ndarray
    active: np.ndarray
    root: np.ndarray


def predicted_spots(
    observed: IndexedSpots,
    beam: Beam,
    detector: Detector,
    goniometer: Goniometer,
    crystal: CrystalModel,
    curve: tuple[np.ndarray, np.ndarray] | None = None,
) -> Prediction:
    """Predict each spot with the crystal as it stands at the frame where the spot was seen.

    curve : what the crystal's smoother gives for these frames, where that is known
    """
    first, active = curve or crystal.smoother.weights(observed.frame)
    return Prediction(
        *predicted_positions(
            (observed.hkl, observed.entering, observed.xyz[:, 2]),
            observed.panel,
            (first, active, crystal.omega, crystal.strain @ crystal.voigt.T),
            (crystal.U, crystal.B),
            _inverse_d(detector),
            beam.s0,
            (goniometer.axis, goniometer.setting, goniometer.fixed),
        )
    )


def residuals(observed: IndexedSpots, predicted: Prediction) -> np.ndarray:
    """(N, 3) predicted minus observed, mm, mm, radians."""
    return predicted.xyz - observed.xyz


def gradients(
    observed: IndexedSpots,
    predicted: Prediction,
    models: tuple[Detector, Goniometer, CrystalModel],
    detector_frame: tuple[np.ndarray, np.ndarray],
    wanted: WantedDerivatives,
    omega: np.ndarray,
) -> np.ndarray:
    """(N, 3, d + b + a c) derivatives with respect to small motions of detector, beam and crystal.

    detector_frame : (3, 3) rows of directions and the (3,) centre of rotation: six parameters, three
        translations along the directions (mm), three rotations about them (radians)
    omega : (N, 3) the crystal's rotation vector for each spot
    """
    detector, goniometer, crystal = models
    return position_gradients(
        (predicted.xyz, predicted.q, predicted.r, predicted.s1, observed.hkl @ crystal.B.T, omega),
        observed.panel,
        (_inverse_d(detector), *detector_frame),
        wanted.ds0,
        (goniometer.lab_axis, goniometer.axis, goniometer.setting, goniometer.fixed),
        (crystal.U, crystal.voigt),
        (wanted.detector, wanted.crystal),
        wanted.active,
        wanted.root,
    )


def _inverse_d(detector: Detector) -> np.ndarray:
    return np.linalg.inv(np.array([panel.d_matrix for panel in detector.panels]))
