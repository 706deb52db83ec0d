"""Values that a user gives instead of a header's, put into an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.formats.dials.expt import goniometer_from_axes, least_trusted
from autoproc.formats.hdf5.detector_limits import SIGNED_ASSUMED
from autoproc.formats.header_values import OVERLOAD
from autoproc.formats.images.polarisation import POLARISATION_ASSUMED
from autoproc.formats.images.sensors import attenuation
from autoproc.formats.observed.foreign_data import ASSUMED
from autoproc.formats.observed.xds_header import NOT_POLARISED
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


def standing_remarks(
    remarks: Sequence[str],
    polarization_fraction: float | None,
    min_trusted: int | None,
    max_trusted: int | None = None,
) -> tuple[str, ...]:
    """The header's remarks without what is no longer assumed, as the user says it."""
    said = {POLARISATION_ASSUMED: polarization_fraction, SIGNED_ASSUMED: min_trusted}
    said |= {f"{ASSUMED}{NOT_POLARISED}": polarization_fraction}
    standing = tuple(remark for remark in remarks if said.get(remark) is None)
    return standing if max_trusted is None else tuple(r for r in standing if not r.startswith(OVERLOAD))


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


def masked_detector(detector: Detector, rectangles: Sequence[Rectangle]) -> Detector:
    """The detector with more untrusted rectangles on its first panel, cut at the edges."""
    first, *others = detector.panels
    n_fast, n_slow = first.image_size
    cut = ((max(x0, 0), max(y0, 0), min(x1, n_fast), min(y1, n_slow)) for x0, y0, x1, y1 in rectangles)
    inside = tuple(r for r in cut if r[0] < r[2] and r[1] < r[3])
    return Detector((replace(first, mask=first.mask + inside), *others))


def overridden_counts(
    detector: Detector, gain: float | None, min_trusted: int | None, max_trusted: int | None
) -> Detector:
    """The detector with another gain, least count and overload on every panel."""

    def changed(panel: Panel) -> Panel:
        low, high = panel.trusted_range
        low = low if min_trusted is None else least_trusted(min_trusted - 0.5)
        high = high if max_trusted is None else float(max_trusted)
        return replace(panel, gain=gain or panel.gain, trusted_range=(low, high))

    return Detector(tuple(map(changed, detector.panels)))
