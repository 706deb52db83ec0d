"""Models from the headers of images in files of their own, other than CBF, and from what the user says besides."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoproc.errors import BadHeader
from autoproc.formats.header_values import (
    HeaderOverrides,
    overload_assumed,
    required_beam_centre,
    required_distance,
    required_pixel_size,
    required_wavelength,
)
from autoproc.formats.images.beamlines import assumed, known_goniometer
from autoproc.formats.images.bruker_headers import bruker_facts
from autoproc.formats.images.ccd_headers import marccd_facts, smv_facts
from autoproc.formats.images.dtrek_headers import dtrek_facts, is_dtrek
from autoproc.formats.images.edf_headers import edf_facts
from autoproc.formats.images.frame_facts import FrameFacts
from autoproc.formats.images.frame_headers import FrameHeader
from autoproc.formats.images.minicbf import NO_CUTOFF, HeaderModels
from autoproc.models.experiment import Beam, Detector, Goniometer, Panel

EXAMPLES = {
    "wavelength": "wavelength=0.9795", "distance": "distance=200", "pixel size": "pixel_size=0.1,0.1",
    "beam centre": "beam_centre=1024,1024", "oscillation": "oscillation=0,0.1",
}  # fmt: skip


def models_from_frame(path: str | Path, header: FrameHeader, overrides: HeaderOverrides) -> HeaderModels:
    """Beam, detector and goniometer of an image's header, with the user's values before it. Raises BadHeader."""
    try:
        facts = _FACTS[header.kind](header)
    except (ValueError, LookupError, struct.error) as error:
        raise BadHeader(path=path, field="geometry", value="not to be understood") from error
    _check_nothing_lacks(path, facts, overrides)
    beam = facts.polarisation.of(
        Beam(required_wavelength(path, overrides.wavelength or facts.wavelength), direction=facts.to_source)
    )
    known = known_goniometer(facts.serial, facts.date) if facts.goniometer is None else None
    axis = Goniometer() if known is None else Goniometer(np.array(known.axes[0], float))
    warnings = [*facts.warnings, *([] if known is None else [assumed(known)])]
    if facts.polarisation.warning:
        warnings.append(facts.polarisation.warning)
    return HeaderModels(
        beam,
        Detector((_panel(path, header, facts, overrides, beam),)),
        facts.goniometer or axis,
        facts.oscillation,
        facts.exposure,
        tuple(warnings),
        (*facts.polarisation.remarks, *facts.remarks, _sensor_remark(facts)),
    )


def _sensor_remark(facts: FrameFacts) -> str:
    """What is assumed of the sensor, which these headers do not describe; DIALS assumes the same."""
    pedestal = f" above a pedestal of {facts.pedestal:g}" if facts.pedestal else ""
    return (
        "the header does not describe the sensor: positions are not corrected for its depth, as of a thin phosphor; "
        f"{facts.gain:g} counts{pedestal} are taken for a photon, and gain= overrides that"
    )


def _check_nothing_lacks(path: str | Path, facts: FrameFacts, overrides: HeaderOverrides) -> None:
    """Raises BadHeader that names all at once what neither the header nor the user says."""
    values = {
        "wavelength": overrides.wavelength or facts.wavelength,
        "distance": overrides.distance or facts.distance,
        "pixel size": overrides.pixel_size or facts.pixel_size,
        "beam centre": overrides.beam_centre or facts.centre,
        "oscillation": overrides.oscillation or facts.oscillation,
    }
    missing = [name for name, value in values.items() if value is None]
    if missing:
        examples = " ".join(EXAMPLES[name] for name in missing)
        raise BadHeader(path=path, field=", ".join(missing), value="missing", override=examples)


def _panel(path: str | Path, header: FrameHeader, facts: FrameFacts, overrides: HeaderOverrides, beam: Beam) -> Panel:
    size = required_pixel_size(path, overrides.pixel_size or facts.pixel_size)
    distance = required_distance(path, overrides.distance or facts.distance)
    centre = required_beam_centre(path, overrides.beam_centre or facts.centre)
    along = -beam.direction / np.linalg.norm(beam.direction)
    normal = np.cross(facts.fast, facts.slow)
    towards = float(normal @ along)
    if abs(towards) < np.cos(np.radians(89.9)):
        raise BadHeader(path=path, field="detector's swing", value="90 degrees")
    normal = normal * np.sign(towards)
    # A user says where the beam itself meets the detector; headers, where the normal would.
    reached = normal if overrides.beam_centre is None else along / abs(towards)
    corner = distance * reached - centre[0] * size[0] * facts.fast - centre[1] * size[1] * facts.slow
    return Panel(
        fast_axis=facts.fast,
        slow_axis=facts.slow,
        origin=corner,
        pixel_size=size,
        image_size=header.image_size,
        trusted_range=facts.trusted_range,
        gain=facts.gain,
        pedestal=facts.pedestal,
        identifier=facts.serial,
    )


def _tiff_facts(header: FrameHeader) -> FrameFacts:
    """Nothing: a plain TIFF tells of its picture only."""
    return FrameFacts(remarks=(overload_assumed(NO_CUTOFF),))


def _smv_facts(header: FrameHeader) -> FrameFacts:
    return dtrek_facts(header) if is_dtrek(header.fields) else smv_facts(header)


_FACTS: dict[str, Callable[[FrameHeader], FrameFacts]] = {
    "smv": _smv_facts, "marccd": marccd_facts, "edf": edf_facts, "tiff": _tiff_facts, "bruker": bruker_facts,
}  # fmt: skip
