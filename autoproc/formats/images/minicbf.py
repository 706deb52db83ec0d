"""miniCBF headers (PILATUS, EIGER): the comment lines that DECTRIS servers write become an experiment."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autoproc.errors import UnsupportedFile
from autoproc.formats.header_values import (
    HeaderOverrides,
    overload_assumed,
    quoted,
    required_beam_centre,
    required_distance,
    required_pixel_size,
    required_wavelength,
)
from autoproc.formats.images.beamlines import KnownGoniometer, assumed, day_in, goniometer_for, known_goniometer
from autoproc.formats.images.cbf import CbfHeader
from autoproc.formats.images.modules import module_gaps
from autoproc.formats.images.polarisation import Polarisation, from_fraction
from autoproc.formats.images.sensors import attenuation, sensor_symbol
from autoproc.models.experiment import Beam, Detector, Goniometer, Panel

NUMBER = r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,4})?"
"""A number. Every repetition in a pattern on headers is bounded, and no two can match the same text: whoever wrote
the header cannot make matching slow."""
GAP = r"[ \t]{0,20}"
LONGEST_LINE = 2048
"""Characters of a line of a header; what is longer is not one of the lines that detectors write."""
NO_CUTOFF = 1e8
CURVED_PILATUS_12M = (2463, 5071)
KEYWORD = re.compile(r"[A-Za-z_]\w*")
DATED = re.compile(r"^#[ \t]{0,20}(?:19|20)\d\d[-/][^\n]{0,40}", re.MULTILINE)
OF_ONE_IMAGE = re.compile(
    rf"^#[ \t]{{0,20}}(?:Start_angle|Omega|(?:19|20)\d\d[-/])[^\n]{{0,{LONGEST_LINE}}}", re.MULTILINE
)
"""Lines that differ between the images of a sweep. Of them, the start's angle and the day are used."""
MOST_UNDERSTOOD = 8
"""Headers whose models are kept: the sweeps that are looked at in turn."""
THICKNESS = re.compile(rf"{GAP}thickness{GAP}(?:[:=]{GAP})?({NUMBER}){GAP}(mm|um|m)?\b")


@dataclass(frozen=True, slots=True)
class HeaderModels:
    """What one image's header says: the models, and the rotation and exposure of this image.

    oscillation : (start, width), degrees, or None where the header does not say; exposure : seconds
    remarks : what it says and is not used, or lacks and is assumed (see Experiment)
    """

    beam: Beam
    detector: Detector
    goniometer: Goniometer
    oscillation: tuple[float, float] | None
    exposure: float
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lasting:
    """What the headers of all images of a sweep say alike; known : the goniometer that goes with the detector."""

    beam: Beam
    detector: Detector
    known: KnownGoniometer | None
    goniometer: Goniometer
    width: float | None
    angles: Mapping[str, float]
    exposure: float
    warnings: tuple[str, ...]
    remarks: tuple[str, ...]


_understood: dict[Hashable, _Lasting] = {}


@lru_cache(maxsize=4)  # several questions are asked of a header, one after the other
def header_fields(text: str) -> Mapping[str, str]:
    """Keyword and the rest of its line, of all comment lines; the first of several counts."""
    return _fields_of(comment_lines(text))


def _fields_of(lines: Iterable[str]) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        match = KEYWORD.match(line)
        if match:
            rest = line[match.end() :].lstrip()
            fields.setdefault(match.group(), rest[rest.startswith((":", "=")) :].strip())
    return fields


def comment_lines(text: str) -> list[str]:
    """The comment lines of a header without their #, those of a possible length."""
    lines = text.split("\n")
    return [line[1:].strip() for line in lines if line.startswith("#") and len(line) <= LONGEST_LINE]


def models_from_minicbf(path: str | Path, header: CbfHeader, overrides: HeaderOverrides) -> HeaderModels:
    """Beam, detector and goniometer of a miniCBF header. Raises BadHeader or UnsupportedFile.

    Of the images of a sweep, the models are the same objects where their headers say the same.
    """
    if header.image_size == CURVED_PILATUS_12M:
        raise UnsupportedFile(path=path, reason="the curved PILATUS 12M is not known to autoproc")
    dated = DATED.search(header.text)
    day = day_in(dated.group()) if dated else ""
    comments = header.text[max(0, header.text.find("\n#")) :]
    key = (OF_ONE_IMAGE.sub("", comments), day, header.image_size, overrides)
    models = _understood.get(key)
    if models is None:
        models = _lasting_models(path, header, overrides, day)
        while len(_understood) >= MOST_UNDERSTOOD:
            _understood.pop(next(iter(_understood)), None)
        _understood[key] = models
    own = _fields_of(comment_lines("\n".join(OF_ONE_IMAGE.findall(comments))))
    start = numbers(own, "Start_angle", 1)[0]
    has_axes = models.known is not None and bool(models.known.fields)
    return HeaderModels(
        models.beam,
        models.detector,
        goniometer_for(models.known, dict(models.angles), start or 0.0) if has_axes else models.goniometer,
        None if start is None or models.width is None else (start, models.width),
        models.exposure,
        models.warnings,
        models.remarks,
    )


def _lasting_models(path: str | Path, header: CbfHeader, overrides: HeaderOverrides, day: str) -> _Lasting:
    """What does not depend on the image; day : on which it was taken."""
    fields = header_fields(header.text)
    in_header = numbers(fields, "Wavelength", 1)[0]
    wavelength = required_wavelength(path, overrides.wavelength or in_header, fields.get("Wavelength", ""))
    polarisation = from_fraction(numbers(fields, "Polarization", 1)[0])
    beam = polarisation.of(Beam(wavelength, flux=numbers(fields, "Flux", 1)[0] or 0.0))
    panel = _panel(path, header, fields, overrides, wavelength)
    known = known_goniometer(fields.get("Detector", ""), day)
    angles = {name: numbers(fields, name, 1)[0] or 0.0 for name in ("Phi", "Chi", "Kappa")}
    warnings = [] if known is None else [assumed(known)]
    if polarisation.warning:
        warnings.append(polarisation.warning)
    two_theta = numbers(fields, "Detector_2theta", 1)[0] or 0.0
    if abs(two_theta) > 0.01:
        warnings.append(f"the header gives 2theta = {two_theta:g} degrees but no direction of it: it is taken as 0")
    return _Lasting(
        beam, Detector((panel,)), known, goniometer_for(known, angles, 0.0), numbers(fields, "Angle_increment", 1)[0],
        angles, numbers(fields, "Exposure_period", 1)[0] or numbers(fields, "Exposure_time", 1)[0] or 0.0,
        tuple(warnings), _remarks(fields, polarisation),
    )  # fmt: skip


def _remarks(fields: Mapping[str, str], polarisation: Polarisation) -> tuple[str, ...]:
    """What the header says of the detector and is not used: its server applied a flat field, or none was."""
    flat_field = fields.get("Flat_field", "")
    applied = re.sub(r"\W", "", flat_field).lower() not in ("", "nil", "none", "0")
    told = (
        f"the header names a flat field, {quoted(flat_field)}: the counts are taken as corrected by it already"
        if applied
        else ""
    )
    said = quoted(fields["Count_cutoff"]) if fields.get("Count_cutoff") else ""
    full = "" if _cutoff(fields) else overload_assumed(NO_CUTOFF, said)
    return tuple(remark for remark in (*polarisation.remarks, told, full) if remark)


def sensor(text: str, default: tuple[str, float] = ("", 0.0)) -> tuple[str, float]:
    """Material symbol and thickness, mm, of the line "Silicon sensor, thickness 0.000320 m"."""
    for line in comment_lines(text):
        material, said, rest = line.partition(" sensor,")
        match = THICKNESS.match(rest)
        if not said or match is None:
            continue
        if not sensor_symbol(material):
            return default
        return sensor_symbol(material), float(match.group(1)) * {"mm": 1.0, "um": 1e-3}.get(match.group(2), 1000.0)
    return default


def numbers(fields: Mapping[str, str], name: str, count: int) -> tuple[float | None, ...]:
    """The first `count` numbers of a field; all None where it lacks them."""
    found = re.findall(NUMBER, fields.get(name, ""))
    return tuple(map(float, found[:count])) if len(found) >= count else (None,) * count


def _panel(
    path: str | Path, header: CbfHeader, fields: Mapping[str, str], overrides: HeaderOverrides, wavelength: float
) -> Panel:
    in_header = _in_mm(fields, "Detector_distance", 1)[0]
    distance = required_distance(path, overrides.distance or in_header, fields.get("Detector_distance", ""))
    said = _in_mm(fields, "Pixel_size", 2)
    px_fast, px_slow = required_pixel_size(
        path, overrides.pixel_size or (said[0], said[1]), fields.get("Pixel_size", "")
    )
    centre = required_beam_centre(path, overrides.beam_centre or _header_centre(fields, (px_fast, px_slow)))
    kind = fields.get("Detector", "")
    is_eiger = "EIGER" in kind.upper()
    material, thickness = sensor(header.text, ("Si", 0.45) if is_eiger else ("", 0.0))
    cutoff = _cutoff(fields)
    return Panel(
        fast_axis=np.array([1.0, 0.0, 0.0]),
        slow_axis=np.array([0.0, -1.0, 0.0]),
        origin=np.array([-centre[0] * px_fast, centre[1] * px_slow, -distance]),
        pixel_size=(px_fast, px_slow),
        image_size=header.image_size,
        trusted_range=(-1.0, cutoff or NO_CUTOFF),
        thickness=thickness,
        mu=attenuation(material, wavelength)[1],
        material=material,
        identifier=kind,
        mask=module_gaps(kind, header.image_size),
    )


def _cutoff(fields: Mapping[str, str]) -> float | None:
    """Counts at which a pixel is full, or None where the header has no number that can be."""
    cutoff = numbers(fields, "Count_cutoff", 1)[0]
    return cutoff if cutoff is not None and 0 < cutoff < math.inf else None


def _header_centre(fields: Mapping[str, str], pixel_size: tuple[float, float]) -> tuple[float, float] | None:
    fast, slow = numbers(fields, "Beam_xy", 2)
    if fast is None or slow is None:
        return None
    if re.search(r"\bmm\b", fields["Beam_xy"]):
        return fast / pixel_size[0], slow / pixel_size[1]
    return fast, slow


def _in_mm(fields: Mapping[str, str], name: str, count: int) -> tuple[float | None, ...]:
    """Lengths that headers give in m, or in a unit that they name."""
    unit = re.search(rf"{NUMBER}{GAP}(mm|um|m)\b", fields.get(name, ""))
    scale = {"mm": 1.0, "um": 1e-3, "m": 1000.0}[unit.group(1) if unit else "m"]
    return tuple(None if value is None else value * scale for value in numbers(fields, name, count))
