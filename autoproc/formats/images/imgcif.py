"""imgCIF headers: axis categories (ITvG 3.7, 4.6) become an experiment, for any goniometer and detector arm."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import gemmi
import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.dials.expt import goniometer_from_axes
from autoproc.formats.header_values import (
    HeaderOverrides,
    overload_assumed,
    quoted,
    required_distance,
    required_pixel_size,
    required_wavelength,
    told,
)
from autoproc.formats.images.cbf import CbfHeader
from autoproc.formats.images.minicbf import NO_CUTOFF, HeaderModels, header_fields, sensor
from autoproc.formats.images.modules import module_gaps
from autoproc.formats.images.polarisation import from_ratio
from autoproc.formats.images.sensors import attenuation
from autoproc.geometry.placement import with_beam_centre, with_distance
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.experiment import Beam, Detector, Goniometer, Panel

NEEDED = ("_axis.id", "_array_structure_list.axis_set_id", "_diffrn_scan_axis.axis_id")


@dataclass(frozen=True, slots=True)
class ImgcifAxis:
    """A row of the axis category with its setting: angle in degrees or displacement in mm.

    vector : unit, laboratory frame with all axes at zero; offset : mm, in the frame of `depends_on`
    """

    name: str
    type: str
    equipment: str
    depends_on: str
    vector: np.ndarray
    offset: np.ndarray
    angle: float = 0.0
    displacement: float = 0.0


def is_imgcif(header: CbfHeader) -> bool:
    """The header has the categories that describe goniometer and detector axes."""
    return all(item in header.text for item in NEEDED)


def models_from_imgcif(path: str | Path, header: CbfHeader, overrides: HeaderOverrides) -> HeaderModels:
    """Beam, detector and goniometer of an imgCIF header. Raises BadHeader or CorruptFile."""
    try:
        block = gemmi.cif.read_string(_before_image(header.text)).sole_block()
        axes = _axes(block)
        polarisation = from_ratio(
            _first(block, "_diffrn_radiation.polarizn_source_ratio"),
            _first(block, "_diffrn_radiation.polarizn_source_norm") or 0.0,
        )
        beam = polarisation.of(_beam(path, block, axes, overrides))
        panel = _placed(path, _panel(header, block, axes, beam.wavelength), beam, overrides)
        goniometer, oscillation = _goniometer(block, axes)
        full = _overload_remarks(block)
    except (RuntimeError, ValueError, KeyError, IndexError) as error:
        raise CorruptFile(path=path, reason=f"its imgCIF header cannot be understood ({told(error)})") from error
    exposure = _first(block, "_diffrn_scan_frame.integration_time") or 0.0
    warnings = (polarisation.warning,) if polarisation.warning else ()
    remarks = (*polarisation.remarks, *full)
    return HeaderModels(beam, Detector((panel,)), goniometer, oscillation, exposure, warnings, remarks)


def _before_image(text: str) -> str:
    """The CIF text up to the item that holds the image."""
    return re.split(r"^[ \t]{0,80}_array_data\.data[ \t]{0,80}$", text, maxsplit=1, flags=re.MULTILINE)[0]


def _rows(block: gemmi.cif.Block, category: str, *items: str) -> list[list[str]]:
    """The rows of a category, text of the items in order; "?" for an item that is not there."""
    table = block.find(category, [items[0], *(f"?{item}" for item in items[1:])])
    return [[gemmi.cif.as_string(row[n]) if row.has(n) else "?" for n in range(len(items))] for row in table]


def _number(text: str, default: float = 0.0) -> float:
    return default if text in ("", ".", "?") else float(text)


def _first(block: gemmi.cif.Block, item: str) -> float | None:
    for text in block.find_values(item):
        if not gemmi.cif.is_null(text):
            return gemmi.cif.as_number(text)
    return None


def _axes(block: gemmi.cif.Block) -> dict[str, ImgcifAxis]:
    vectors = [f"vector[{n}]" for n in (1, 2, 3)] + [f"offset[{n}]" for n in (1, 2, 3)]
    axes = {}
    for name, kind, equipment, parent, *numbers in _rows(
        block, "_axis.", "id", "type", "equipment", "depends_on", *vectors
    ):
        values = np.array([_number(text) for text in numbers])
        length = np.linalg.norm(values[:3])
        axes[name] = ImgcifAxis(name, kind.lower(), equipment.lower(), parent, values[:3] / (length or 1.0), values[3:])
    settings = {
        name: (_number(angle), _number(displacement))
        for name, angle, displacement in _rows(
            block, "_diffrn_scan_axis.", "axis_id", "angle_start", "displacement_start"
        )
    }
    for name, angle, displacement in _rows(block, "_diffrn_scan_frame_axis.", "axis_id", "angle", "displacement"):
        scan = settings.get(name, (0.0, 0.0))
        settings[name] = (_number(angle, scan[0]), _number(displacement, scan[1]))
    return {
        name: replace(axis, angle=settings.get(name, (0.0, 0.0))[0], displacement=settings.get(name, (0.0, 0.0))[1])
        for name, axis in axes.items()
    }


def _chain(axes: dict[str, ImgcifAxis], name: str) -> list[ImgcifAxis]:
    """An axis and those that carry it, innermost first."""
    chain: list[ImgcifAxis] = []
    while name not in (".", "?", ""):
        if len(chain) > len(axes):
            raise ValueError(f"axis {quoted(name)} depends on itself")
        chain.append(axes[name])
        name = axes[name].depends_on
    return chain


def _beam(path: str | Path, block: gemmi.cif.Block, axes: dict[str, ImgcifAxis], overrides: HeaderOverrides) -> Beam:
    header_wavelength = _first(block, "_diffrn_radiation_wavelength.wavelength")
    if header_wavelength is None:
        header_wavelength = _first(block, "_diffrn_radiation.wavelength")
    wavelength = required_wavelength(path, overrides.wavelength or header_wavelength)
    sources = [axis.vector for axis in axes.values() if axis.equipment == "source" and np.any(axis.vector)]
    return Beam(wavelength, sources[0] if sources else np.array([0.0, 0.0, 1.0]))


@dataclass(frozen=True, slots=True)
class PixelAxis:
    """The axis along which pixels follow each other: its name, where pixel 0 is and the step to the next, mm."""

    name: str
    start: float
    step: float


def _pixel_axes(block: gemmi.cif.Block) -> tuple[PixelAxis, PixelAxis]:
    """The axes of the fastest and of the second index."""
    settings = {
        set_id: (name, _number(start), _number(step))
        for set_id, name, start, step in _rows(
            block, "_array_structure_list_axis.", "axis_set_id", "axis_id", "displacement", "displacement_increment"
        )
    }
    by_precedence = {}
    for precedence, direction, dimension, set_id in _rows(
        block, "_array_structure_list.", "precedence", "direction", "dimension", "axis_set_id"
    ):
        name, start, step = settings[set_id]
        if direction.lower() == "decreasing":
            start, step = start + (int(dimension) - 1) * step, -step
        by_precedence[int(precedence)] = PixelAxis(name, start, step)
    return by_precedence[1], by_precedence[2]


def _panel(header: CbfHeader, block: gemmi.cif.Block, axes: dict[str, ImgcifAxis], wavelength: float) -> Panel:
    """The panel that the pixels' two axes span, with every axis that carries them at its setting."""
    fast, slow = _pixel_axes(block)
    axes = {**axes, **{a.name: replace(axes[a.name], displacement=a.start) for a in (fast, slow)}}
    chain = max(_chain(axes, fast.name), _chain(axes, slow.name), key=len)
    origin = np.zeros(3)
    turned: dict[str, np.ndarray] = {}
    for n, axis in enumerate(chain):
        origin = _through(axis, origin)
        turned[axis.name] = _carried(chain[n + 1 :]) @ axis.vector
    material, thickness = sensor(header.text)
    kind = header_fields(header.text).get("Detector", "")
    return Panel(
        fast_axis=turned[fast.name] * np.sign(fast.step),
        slow_axis=turned[slow.name] * np.sign(slow.step),
        origin=origin,
        pixel_size=(abs(fast.step), abs(slow.step)),
        image_size=header.image_size,
        trusted_range=(
            _least_count(block),
            _overload(block) or NO_CUTOFF,
        ),
        thickness=thickness,
        mu=attenuation(material, wavelength)[1],
        material=material,
        gain=_first(block, "_array_intensities.gain") or 1.0,
        identifier=kind,
        mask=module_gaps(kind, header.image_size),
    )


def _overload(block: gemmi.cif.Block) -> float | None:
    """Counts at which a pixel is full, or None where the header has no number that can be."""
    said = _first(block, "_array_intensities.overload")
    return said if said is not None and 0 < said < math.inf else None


def _overload_remarks(block: gemmi.cif.Block) -> tuple[str, ...]:
    """What is assumed where that is None, in words."""
    said = [gemmi.cif.as_string(value) for value in block.find_values("_array_intensities.overload")]
    texts = ", ".join(quoted(text) for text in said[:1] if text not in ("", ".", "?"))
    return () if _overload(block) else (overload_assumed(NO_CUTOFF, texts),)


def _least_count(block: gemmi.cif.Block) -> float:
    """The least count that is one, -1 standing for 0: the header's underload, or what is above its undefined value."""
    underload = _first(block, "_array_intensities.underload")
    if underload is not None:
        return underload
    undefined = _first(block, "_array_intensities.undefined_value") or 0.0
    return undefined + 1 if undefined < -2 else -1.0  # -1 and -2 mark bad pixels of photon counters


def _through(axis: ImgcifAxis, point: np.ndarray) -> np.ndarray:
    """A point of an axis's frame in the frame of the axis that carries it."""
    if axis.type == "rotation":
        return rotation_matrix(axis.vector, np.radians(axis.angle)) @ point + axis.offset
    return point + axis.displacement * axis.vector + axis.offset


def _carried(chain: list[ImgcifAxis]) -> np.ndarray:
    """(3, 3) rotation of the axes that carry something, innermost first."""
    rotation = np.eye(3)
    for axis in chain:
        if axis.type == "rotation":
            rotation = rotation_matrix(axis.vector, np.radians(axis.angle)) @ rotation
    return rotation


def _placed(path: str | Path, panel: Panel, beam: Beam, overrides: HeaderOverrides) -> Panel:
    panel = replace(panel, pixel_size=required_pixel_size(path, overrides.pixel_size or panel.pixel_size))
    if overrides.distance is not None:
        panel = with_distance(panel, beam, overrides.distance)
    required_distance(path, panel.distance)
    return panel if overrides.beam_centre is None else with_beam_centre(panel, beam, overrides.beam_centre)


def _goniometer(block: gemmi.cif.Block, axes: dict[str, ImgcifAxis]) -> tuple[Goniometer, tuple[float, float] | None]:
    """The goniometer at the settings of this image, and (start, width) of its scanned axis."""
    on_goniometer = [axis for axis in axes.values() if axis.equipment == "goniometer" and axis.type == "rotation"]
    if not on_goniometer:
        return Goniometer(), None
    chain = max((_chain(axes, axis.name) for axis in on_goniometer), key=len)
    ordered = [axis for axis in chain if axis.type == "rotation"]
    widths = {
        name: _number(step) or _number(whole)
        for name, step, whole in _rows(block, "_diffrn_scan_axis.", "axis_id", "angle_increment", "angle_range")
    }
    scanned = [n for n, axis in enumerate(ordered) if widths.get(axis.name)]
    if len(scanned) > 1:
        raise ValueError("more than one goniometer axis turns")
    vectors = np.array([axis.vector for axis in ordered])
    index = scanned[0] if scanned else len(ordered) - 1
    goniometer = goniometer_from_axes(
        vectors, tuple(axis.name for axis in ordered), tuple(axis.angle for axis in ordered), index
    )
    return goniometer, (ordered[index].angle, widths.get(ordered[index].name, 0.0))
