"""Goniometers of beamlines whose headers do not describe them, known by the detector's serial number or a name.

A miniCBF header has no room for the direction of the rotation axis, and a DECTRIS file writer that was told
nothing writes X: from left to right along the detector's rows. These detectors stand (or stood for a time) at
goniometers that turn otherwise, or that have further axes whose angles the header gives.

Sources: the classes of dxtbx for single detectors (FormatCBFMiniEigerReverse, ...PilatusReverse,
...EigerChessID7B2, ...EigerMaxIVBio, ...EigerPetraP14, FormatNXmxEigerFilewriterCHESS, ...ESRFID232,
FormatHDF5EigerNearlyNexusSPring8, the Pilatus classes of APS, CHESS, SPring-8, DESY and Diamond,
...SMVADSCSN457, ...915, ...928, ...APSID19, ...TIFFRayonixSPring8), to which the beamlines contributed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from autoproc.formats.dials.expt import goniometer_from_axes
from autoproc.models.experiment import Goniometer

Axes = tuple[tuple[float, float, float], ...]
ISO_DATE = re.compile(r"\b((?:19|20)\d\d)[-/](\w{2,3})[-/](\d\d)")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class KnownGoniometer:
    """A goniometer that goes with a detector.

    serial : as in the header's Detector line or detector_number; names : of the instrument in NeXus files, without
    blanks and in lower case; axes : from the crystal outwards; fields : the header's names of their angles, none
    for a single axis; since, until : first day of this arrangement and of the next, "2021-05-22", "" where it is open
    """

    serial: str
    beamline: str
    axes: Axes
    fields: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    names: tuple[str, ...] = ()


_REVERSED: Axes = ((-1, 0, 0),)
_VERTICAL: Axes = ((0, 1, 0),)
_SMARGON: Axes = ((1, 0, 0), (0, 0, -1), (1, 0, 0))
_MINI_KAPPA: Axes = ((1, 0, 0), (0.914, 0.279, -0.297), (1, 0, 0))
KNOWN_GONIOMETERS = (
    KnownGoniometer("60-0132", "APS 19-ID", _REVERSED),
    KnownGoniometer("60-0127", "CHESS", _REVERSED),
    KnownGoniometer("E-32-0123", "CHESS ID7B2", _REVERSED, names=("id7b2",)),
    KnownGoniometer("60-0125", "SPring-8 BL41XU", _REVERSED),
    KnownGoniometer("E-32-0112", "SPring-8", _REVERSED),
    KnownGoniometer("E-32-0114", "SPring-8", _REVERSED),
    KnownGoniometer("E-18-0103", "SPring-8", _REVERSED),
    KnownGoniometer("E-32-0111", "SSRF BL17U1", _REVERSED, names=("bl17u1",)),
    KnownGoniometer("60-0123", "SSRF BL18U1", _REVERSED, names=("bl18u1",)),
    KnownGoniometer("XX-XXX", "SSRF BL19U1", _REVERSED, names=("bl19u1",)),
    KnownGoniometer("60-0119", "Diamond I24", _VERTICAL, since="2015-01-01"),
    KnownGoniometer("60-0114", "Diamond", _VERTICAL, since="2017-01-01"),
    KnownGoniometer("60-0115-F", "PETRA III", _VERTICAL),
    KnownGoniometer("E-32-0107", "PETRA III P14", _VERTICAL, until="2021-05-22"),
    KnownGoniometer("E-32-0129", "PETRA III P14", _VERTICAL, since="2021-05-22", names=("petraiiip14",)),
    KnownGoniometer("E-32-0105", "MAX IV BioMAX", _VERTICAL, names=("biomax", "maxivbiomax")),
    KnownGoniometer("E-18-0133", "ESRF ID23-2", _VERTICAL, names=("id23-2", "esrfid23-2")),
    KnownGoniometer("160-0001", "Diamond I03", _SMARGON, ("Phi", "Chi", "Omega")),
    KnownGoniometer("60-0100", "Diamond I04", _MINI_KAPPA, ("Phi", "Kappa", "Omega")),
    KnownGoniometer("60-0126", "Diamond I03", _MINI_KAPPA, ("Phi", "Kappa", "Omega")),
    KnownGoniometer("ADSC 457", "Australian Synchrotron MX1", _REVERSED),
    KnownGoniometer("ADSC 928", "Australian Synchrotron MX2", _REVERSED),
    KnownGoniometer("ADSC 915", "SPring-8 BL38B1", _REVERSED),
    KnownGoniometer("ADSC 458", "APS 19", _REVERSED),
    KnownGoniometer("ADSC 914", "APS 19", _REVERSED),
    KnownGoniometer("Rayonix 24", "SPring-8 BL26B2", _REVERSED),
    KnownGoniometer("Rayonix 31", "SPring-8 BL32XU", _REVERSED),
    KnownGoniometer("Rayonix 106", "SPring-8 BL32XU", _REVERSED),
    KnownGoniometer("Rayonix 38", "SPring-8 BL44XU", _REVERSED),
    KnownGoniometer("Rayonix 42", "SPring-8 BL44XU", _REVERSED),
    KnownGoniometer("Rayonix 40", "SPring-8 BL41XU", _REVERSED),
)


def known_goniometer(detector: str, date: str) -> KnownGoniometer | None:
    """The goniometer that goes with a detector, or None.

    detector : the header's Detector line, or the serial number alone; date : of the images, "2021-05-22" or as
    much of it as is known; "" takes the arrangement that has no beginning
    """
    marked = re.search(r"(?:S/N|SN)[ \t]{0,20}(?::[ \t]{0,20})?([\w-]+)", detector)
    serial = marked.group(1) if marked else detector.strip()
    for known in KNOWN_GONIOMETERS:
        is_meant = f"{serial}-".upper().startswith(f"{known.serial}-")
        if is_meant and _is_in_force(known, date):
            return known
    return None


def goniometer_of_instrument(serial: str, names: Iterable[str], date: str) -> KnownGoniometer | None:
    """The single-axis goniometer of an HDF5 file's detector or instrument, by serial number, then by name."""
    known = known_goniometer(serial, date)
    words = {re.sub(r"[\s_]", "", name).lower() for name in names}
    if known is None:
        known = next((k for k in KNOWN_GONIOMETERS if words & set(k.names) and _is_in_force(k, date)), None)
    return known if known is not None and not known.fields else None


def _is_in_force(known: KnownGoniometer, date: str) -> bool:
    return date >= known.since[: len(date) or None] and (not known.until or date < known.until)


def day_in(header: str) -> str:
    """The first date of a text, "2016-12-16", whether the month is a number or a name; "" where there is none."""
    found = ISO_DATE.search(header)
    if found is None:
        return ""
    year, month, day = found.groups()
    if month[:3].lower() in MONTHS:
        month = f"{MONTHS.index(month[:3].lower()) + 1:02d}"
    return f"{year}-{month}-{day}" if month.isdigit() else year


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


def assumed(known: KnownGoniometer) -> str:
    """That a goniometer was assumed, for the user."""
    return (
        f"the goniometer of {known.beamline} is assumed, from the detector's serial number {known.serial}; "
        "rotation_axis= overrides it"
    )
