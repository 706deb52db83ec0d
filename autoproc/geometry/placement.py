"""A detector put elsewhere: another distance, another beam centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoproc.geometry.detector import mm_from_s1
from autoproc.geometry.rotation import rotation_of_vector
from autoproc.models.experiment import Beam, Detector, Panel


def with_distance(panel: Panel, beam: Beam, distance: float) -> Panel:
    """The panel moved along its normal to `distance`, mm, from the sample, on the side that it is on.

    A panel through the sample goes to the side that the beam goes to.
    """
    along = float(panel.origin @ panel.normal)
    side = np.sign(along) or np.sign(beam.s0 @ panel.normal)
    return replace(panel, origin=panel.origin + (side * distance - along) * panel.normal)


def with_beam_centre(panel: Panel, beam: Beam, centre_px: tuple[float, float]) -> Panel:
    """The panel moved in its plane until the direct beam meets it at `centre_px`, (fast, slow) pixels."""
    size = np.asarray(panel.pixel_size)
    shift = mm_from_s1(panel, beam.s0) - np.asarray(centre_px, float) * size
    return replace(panel, origin=panel.origin + shift[0] * panel.fast_axis + shift[1] * panel.slow_axis)


def panel_middle(panel: Panel) -> np.ndarray:
    """(3,) mm, the middle of a panel."""
    width, height = np.array(panel.pixel_size) * np.array(panel.image_size) / 2
    return panel.origin + width * panel.fast_axis + height * panel.slow_axis


def moved_rigidly(detector: Detector, motion: np.ndarray, centre: np.ndarray) -> Detector:
    """A rigid motion of all panels: translation motion[:3], mm, rotation vector motion[3:] about `centre`."""
    turn = rotation_of_vector(motion[3:])

    def moved(panel: Panel) -> Panel:
        return replace(
            panel,
            fast_axis=turn @ panel.fast_axis,
            slow_axis=turn @ panel.slow_axis,
            origin=centre + turn @ (panel.origin - centre) + motion[:3],
        )

    return Detector(tuple(moved(panel) for panel in detector.panels))
