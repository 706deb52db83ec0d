"""How far a detector reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.detector import beam_centre_px, is_on_panel, s1_from_px
from autoproc.models.experiment import Beam, Detector, Panel

N_AZIMUTHS = 180


@dataclass(frozen=True, slots=True)
class Reach:
    """Resolutions, Angstrom, of a panel's edge.

    corner : of the farthest corner; inscribed : of the largest whole ring; half : of the ring of which half is seen.
    The last two are None where the beam does not meet the panel.
    """

    corner: float
    inscribed: float | None
    half: float | None


def edge_pixels(panel: Panel) -> np.ndarray:
    """(N, 2) px: points all along the edge of a panel, its corners among them."""
    fast, slow = panel.image_size
    across, down = np.arange(fast + 1.0), np.arange(slow + 1.0)
    sides = [
        np.column_stack([across, np.zeros(fast + 1)]),
        np.column_stack([across, np.full(fast + 1, float(slow))]),
        np.column_stack([np.zeros(slow + 1), down]),
        np.column_stack([np.full(slow + 1, float(fast)), down]),
    ]
    return np.concatenate(sides)


def reach_of(detector: Detector, beam: Beam) -> Reach:
    """How far a detector reaches; with several panels only its farthest corner is known."""
    edges = [s1_from_px(panel, beam, edge_pixels(panel)) - beam.s0 for panel in detector.panels]
    d = [1.0 / np.maximum(np.linalg.norm(r, axis=1), 1e-9) for r in edges]
    corner = float(min(values.min() for values in d))
    centre = np.array(beam_centre_px(detector, beam))
    if len(detector) > 1 or not np.all(np.isfinite(centre)) or not is_on_panel(detector[0], centre):
        return Reach(corner, None, None)
    x, y = (edge_pixels(detector[0]) - centre).T
    azimuth = ((np.arctan2(y, x) / (2 * np.pi) % 1.0) * N_AZIMUTHS).astype(int) % N_AZIMUTHS
    count = np.bincount(azimuth, minlength=N_AZIMUTHS)
    mean = np.bincount(azimuth, d[0], N_AZIMUTHS)[count > 0] / count[count > 0]
    return Reach(corner, float(d[0].max()), float(np.median(mean)))
