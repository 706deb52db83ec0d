"""What d*TREK headers say (Rigaku's Saturn and others): vectors of the detector, its goniometer, scan and source.

All vectors are of one laboratory frame, in which the source is along SOURCE_VECTORS; that d*TREK's and this program's
frames may be taken for each other is as dxtbx's FormatSMVRigakuSaturn has it. Pflugrath, Acta Cryst. D55 (1999) 1718.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from autoproc.formats.images.frame_facts import FrameFacts, number_list, overload, pair
from autoproc.formats.images.frame_headers import FrameHeader
from autoproc.formats.images.polarisation import Polarisation, from_fraction
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.experiment import Goniometer

DATE = "%d-%b-%Y %H:%M:%S"
SQUARE = 1e-3
"""By how much rows and columns may miss being square to each other: distortions that are turns leave them so."""
CRYSTAL_AXES = (
    "the header's angles of the crystal's goniometer are not used: one rotation about its ROTATION_VECTOR is assumed"
)


def is_dtrek(fields: Mapping[str, str]) -> bool:
    """The header has d*TREK's description of the experiment rather than ADSC's."""
    return "DTREK_DATE_TIME" in fields or ("BEAM_CENTER_X" not in fields and "DETECTOR_NAMES" in fields)


def dtrek_facts(header: FrameHeader) -> FrameFacts:
    """What the header says of the experiment. Raises ValueError or LookupError where it cannot be understood."""
    fields = header.fields
    name = fields["DETECTOR_NAMES"].split()[0]
    info = _vector(fields, f"{name}SPATIAL_DISTORTION_INFO", 4)
    size = (info[0, 2], info[0, 3])
    fast, slow, corner = _placed(fields, name, info[0])
    start, _, width, *exposure = [*number_list(fields, "ROTATION"), 0.0]
    wavelengths = number_list(fields, "SCAN_WAVELENGTH") or number_list(fields, "SOURCE_WAVELENGTH")[1:]
    settings = number_list(fields, "CRYSTAL_GONIO_VALUES")
    normal = np.cross(fast, slow)
    full, told_of_full = overload(fields, "SATURATED_VALUE")
    return FrameFacts(
        wavelengths[0] if wavelengths else None,
        abs(float(corner @ normal)),
        size,
        (-float(corner @ fast) / size[0], -float(corner @ slow) / size[1]),
        pair(start, width),
        exposure[0],
        fast=fast,
        slow=slow,
        to_source=_direction(fields, "SOURCE_VECTORS"),
        polarisation=_polarisation(number_list(fields, "SOURCE_POLARZ")),
        goniometer=Goniometer(_direction(fields, "ROTATION_VECTOR")),
        trusted_range=(0.0, full),
        serial=fields.get(f"{name}DETECTOR_DESCRIPTION", ""),
        date=_day(fields.get("DTREK_DATE_TIME", "")),
        remarks=(*((CRYSTAL_AXES,) if any(settings) else ()), *told_of_full),
    )


def _placed(fields: Mapping[str, str], name: str, info: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions of rows and columns and the corner, mm, after the detector's goniometer, from its last axis on."""
    axes = _vector(fields, f"{name}DETECTOR_VECTORS", 6).reshape(2, 3)
    said = f"{name}SPATIAL_DISTORTION_VECTORS"
    distortion = _vector(fields, said, 4).reshape(2, 2) if said in fields else np.eye(2)
    fast, slow = distortion @ axes
    if abs(fast @ slow) > SQUARE or not np.allclose([fast @ fast, slow @ slow], 1, atol=SQUARE):
        raise ValueError("rows and columns are not square to each other")
    corner = -(info[0] * info[2] * fast + info[1] * info[3] * slow)
    units = fields[f"{name}GONIO_UNITS"].split()
    vectors = _vector(fields, f"{name}GONIO_VECTORS", 3 * len(units)).reshape(-1, 3)
    values = _vector(fields, f"{name}GONIO_VALUES", len(units))[0]
    for unit, axis, value in reversed(list(zip(units, vectors, values, strict=True))):
        if unit == "mm":
            corner = corner + value * axis
        elif unit == "deg":
            turn = rotation_matrix(axis, np.radians(value))
            fast, slow, corner = turn @ fast, turn @ slow, turn @ corner
        else:
            raise ValueError("an axis of the detector's goniometer is in neither mm nor deg")
    return fast, slow, corner


def _vector(fields: Mapping[str, str], name: str, n: int) -> np.ndarray:
    """(1, n) numbers of a field. Raises LookupError or ValueError."""
    values = number_list({name: fields[name]}, name)[:n]
    return np.array(values, float).reshape(1, n)


def _direction(fields: Mapping[str, str], name: str) -> np.ndarray:
    """(3,) unit vector. Raises LookupError or ValueError."""
    vector = _vector(fields, name, 3)[0]
    length = float(np.linalg.norm(vector))
    if abs(length - 1) > SQUARE:
        raise ValueError(f"{name} is no unit vector")
    unit: np.ndarray = vector / length
    return unit


def _polarisation(values: list[float]) -> Polarisation:
    """Of SOURCE_POLARZ: the fraction, and the normal of the plane."""
    said = from_fraction(values[0] if values else None)
    if said.fraction is None or len(values) < 4 or not any(values[1:4]):
        return said
    return Polarisation(said.fraction, (values[1], values[2], values[3]))


def _day(text: str) -> str:
    try:
        return datetime.strptime(text, DATE).strftime("%Y-%m-%d")
    except ValueError:
        return ""
