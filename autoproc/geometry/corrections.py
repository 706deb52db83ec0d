"""What an intensity is corrected for: Lorentz factor, polarisation, the sensor's efficiency, what was not recorded."""

from __future__ import annotations

from typing import Literal

import numpy as np

from autoproc.models.experiment import Beam, Goniometer, Panel
from autoproc.models.reflections import Reflections

Kind = Literal["prf", "sum"]
"""Of an integrated intensity: fitted by profile, or summed; the ends of the names of its columns."""
LEAST_PARTIALITY = 1e-3
"""By which a sum is divided at most, so that what was hardly recorded stays a number; integration keeps parts of
0.05 and more."""


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


def lp_over_efficiency(r: Reflections) -> np.ndarray:
    """(N,) 1/(L P) over the sensor's efficiency; 1 for what is not known, NaN for an efficiency that is none."""
    factor = np.ones(len(r))
    if "lp" in r:
        factor = factor * r["lp"]
    return factor / np.where(r["qe"] > 0, r["qe"], np.nan) if "qe" in r else factor


def partiality_of(r: Reflections) -> np.ndarray:
    """(N,) fraction of each rocking curve that was recorded; 1 where it is not known."""
    return r["partiality"] if "partiality" in r else np.ones(len(r))


def share_of(r: Reflections, kind: Kind) -> np.ndarray:
    """(N,) the share of the whole reflection that an intensity is.

    A sum is of what was recorded; a profile is fitted to the recorded part of the spot, and its scale is that of the
    whole one.
    """
    return np.ones(len(r)) if kind == "prf" else np.maximum(partiality_of(r), LEAST_PARTIALITY)


def correction_of(r: Reflections, kind: Kind) -> np.ndarray:
    """(N,) by which the intensities of a kind, photons, are multiplied: for LP, efficiency and what is missing."""
    return lp_over_efficiency(r) / share_of(r, kind)


def corrected(r: Reflections, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """(N,) intensities of a kind and their sigmas, whole and corrected for LP and efficiency."""
    factor = correction_of(r, kind)
    return r[f"intensity_{kind}"] * factor, np.sqrt(np.maximum(r[f"variance_{kind}"], 0.0)) * factor
