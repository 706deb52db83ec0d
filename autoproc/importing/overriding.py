"""Values that a user gives instead of a header's, put into an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.formats.expt import goniometer_from_axes
from autoproc.formats.polarisation import POLARISATION_ASSUMED
from autoproc.formats.sensors import attenuation
from autoproc.geometry.placement import with_beam_centre, with_distance
from autoproc.models.experiment import Beam, Detector, Goniometer, Panel

Rectangle = tuple[int, int, int, int]
Vector = tuple[float, float, float]


def overridden_goniometer(
    goniometer: Goniometer, rotation_axis: Vector | None, axes: Sequence[Vector] | None, angles: Sequence[float] | None
) -> Goniometer:
    """The header's goniometer, or one of the user's axes (crystal outwards, the last one scanned)."""
    if axes is not None:
        names = tuple(f"GON_{n}" for n in range(len(axes)))
        settings = tuple(angles) if angles is not None else (0.0,) * len(axes)
        return goniometer_from_axes(np.array(axes, float), names, settings, len(axes) - 1)
    if rotation_axis is not None:
        axis = np.array(rotation_axis, float)
        return Goniometer(axis=axis / np.linalg.norm(axis))
    return goniometer


def overridden_beam(
    beam: Beam,
    wavelength: float | None,
    polarization_fraction: float | None,
    polarization_normal: Vector | None = None,
) -> Beam:
    """The beam with another wavelength, Angstrom, or polarisation."""
    fraction = beam.polarization_fraction if polarization_fraction is None else polarization_fraction
    normal = beam.polarization_normal
    if polarization_normal is not None:
        normal = np.array(polarization_normal, float) / np.linalg.norm(polarization_normal)
    return replace(
        beam,
        wavelength=wavelength or beam.wavelength,
        polarization_fraction=fraction,
        polarization_normal=normal,
    )


def standing_remarks(remarks: Sequence[str], polarization_fraction: float | None) -> tuple[str, ...]:
    """The header's remarks without what is no longer assumed, as the user says it."""
    return tuple(r for r in remarks if polarization_fraction is None or r != POLARISATION_ASSUMED)


def moved_detector(
    detector: Detector, beam: Beam, distance: float | None, beam_centre: tuple[float, float] | None
) -> Detector:
    """The detector at another distance, mm, or beam centre, pixels; its sensor's mu at the beam's wavelength."""

    def moved(panel: Panel) -> Panel:
        if distance is not None:
            panel = with_distance(panel, beam, distance)
        if beam_centre is not None:
            panel = with_beam_centre(panel, beam, beam_centre)
        mu = attenuation(panel.material, beam.wavelength)[1]
        return replace(panel, mu=mu or panel.mu)

    return Detector(tuple(map(moved, detector.panels)))


def masked_detector(detector: Detector, rectangles: Sequence[Rectangle], gain: float | None) -> Detector:
    """The first panel with more untrusted rectangles (cut at its edges), and all with another gain."""

    def changed(panel: Panel, extra: Sequence[Rectangle]) -> Panel:
        n_fast, n_slow = panel.image_size
        cut = ((max(x0, 0), max(y0, 0), min(x1, n_fast), min(y1, n_slow)) for x0, y0, x1, y1 in extra)
        inside = tuple(r for r in cut if r[0] < r[2] and r[1] < r[3])
        return replace(panel, mask=panel.mask + inside, gain=panel.gain if gain is None else gain)

    first, *others = detector.panels
    return Detector((changed(first, rectangles), *(changed(panel, ()) for panel in others)))
