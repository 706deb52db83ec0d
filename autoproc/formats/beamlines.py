"""Goniometers of beamlines whose miniCBF headers do not describe them, known by the detector's serial number.

A miniCBF header has no room for the direction of the rotation axis. The default is X, from left to
right along the detector's rows; these detectors stand (or stood, since a year) at goniometers that
turn otherwise, or that have further axes whose angles the header gives. Published by the beamlines
and collected in dxtbx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from autoproc.formats.expt import goniometer_from_axes
from autoproc.models.experiment import Goniometer

Axes = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class KnownGoniometer:
    """A goniometer that goes with a detector.

    serial : as in the header's Detector line; since : the first year of this arrangement
    axes : from the crystal outwards; fields : the header's names of their angles, none for a single axis
    """

    serial: str
    beamline: str
    axes: Axes
    fields: tuple[str, ...] = ()
    since: int = 0


_REVERSED: Axes = ((-1, 0, 0),)
_VERTICAL: Axes = ((0, 1, 0),)
_SMARGON: Axes = ((1, 0, 0), (0, 0, -1), (1, 0, 0))
_MINI_KAPPA: Axes = ((1, 0, 0), (0.914, 0.279, -0.297), (1, 0, 0))
KNOWN_GONIOMETERS = (
    KnownGoniometer("60-0132", "APS 19-ID", _REVERSED),
    KnownGoniometer("60-0127", "CHESS", _REVERSED),
    KnownGoniometer("60-0125", "SPring-8", _REVERSED),
    KnownGoniometer("60-0119", "Diamond I24", _VERTICAL, since=2015),
    KnownGoniometer("60-0114", "Diamond", _VERTICAL, since=2017),
    KnownGoniometer("60-0115-F", "PETRA III", _VERTICAL),
    KnownGoniometer("E-32-0107", "PETRA III P14", _VERTICAL),
    KnownGoniometer("E-32-0105", "MAX IV BioMAX", _VERTICAL),
    KnownGoniometer("160-0001", "Diamond I03", _SMARGON, ("Phi", "Chi", "Omega")),
    KnownGoniometer("60-0100", "Diamond I04", _MINI_KAPPA, ("Phi", "Kappa", "Omega")),
    KnownGoniometer("60-0126", "Diamond I03", _MINI_KAPPA, ("Phi", "Kappa", "Omega")),
)


def known_goniometer(detector: str, year: int) -> KnownGoniometer | None:
    """The goniometer that goes with a detector, by the header's Detector line, or None."""
    serial = re.search(r"(?:S/N|SN)\s*([\w-]+)", detector)
    if serial is None:
        return None
    for known in KNOWN_GONIOMETERS:
        if f"{serial.group(1)}-".startswith(f"{known.serial}-") and year >= known.since:
            return known
    return None


def goniometer_for(known: KnownGoniometer | None, angles: dict[str, float], start: float) -> Goniometer:
    """The goniometer of a miniCBF header, scanned about its outermost axis.

    angles : the header's fixed angles by field, degrees; start : of the scanned axis. A single axis
    X where nothing is known.
    """
    if known is None:
        return Goniometer()
    if not known.fields:
        return Goniometer(axis=np.array(known.axes[0], float))
    settings = (*(angles.get(field, 0.0) for field in known.fields[:-1]), start)
    names = tuple(f"GON_{field.upper()}" for field in known.fields)
    return goniometer_from_axes(np.array(known.axes, float), names, settings, len(names) - 1)
