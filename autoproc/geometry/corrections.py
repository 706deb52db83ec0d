"""What an intensity is corrected for: Lorentz factor, polarisation, efficiency of the sensor."""

from __future__ import annotations

import numpy as np

from autoproc.models.experiment import Beam, Goniometer, Panel


def polarisation_factor(beam: Beam, s1: np.ndarray) -> np.ndarray:
    """(...) P of wave vectors s1 (..., 3) for a partly polarised beam (Kahn et al. 1982)."""
    s1_hat = s1 / np.linalg.norm(s1, axis=-1, keepdims=True)
    s0_hat = beam.s0 / np.linalg.norm(beam.s0)
    fraction = beam.polarization_fraction
    normal = beam.polarization_normal / np.linalg.norm(beam.polarization_normal)
    return (1 - 2 * fraction) * (1 - (s1_hat @ normal) ** 2) + fraction * (1 + (s1_hat @ s0_hat) ** 2)


def lorentz_polarisation(beam: Beam, goniometer: Goniometer, s1: np.ndarray) -> np.ndarray:
    """(N,) 1/(L P), by which intensities of wave vectors s1 (N, 3) are multiplied.

    L = 1/|m2 . (s1 x s0)| lambda^2 (Kabsch 2010).
    """
    s1_hat = s1 / np.linalg.norm(s1, axis=1, keepdims=True)
    inverse_lorentz = np.abs(np.cross(s1_hat, beam.s0 / np.linalg.norm(beam.s0)) @ goniometer.lab_axis)
    return inverse_lorentz / np.maximum(polarisation_factor(beam, s1), 1e-6)


def sensor_efficiency(panel: Panel, s1: np.ndarray) -> np.ndarray:
    """(N,) fraction of the photons that the sensor absorbs, by which intensities are divided."""
    if not panel.has_parallax:
        return np.ones(len(s1))
    cosine = np.abs(s1 @ panel.normal) / np.linalg.norm(s1, axis=1)
    return 1.0 - np.exp(-panel.mu * panel.thickness / np.maximum(cosine, 1e-3))
