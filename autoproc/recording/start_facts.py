"""What a start message says of a series, each fact checked by itself: one that is wrong costs only itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from autoproc.formats.hdf5.confined_hdf5 import MOST_FRAMES
from autoproc.formats.hdf5.units import ELECTRONVOLT_ANGSTROM
from autoproc.recording.messages import StartMessage
from autoproc.recording.typed_arrays import BadMessage, Packed, packed

AXES = ("omega", "phi", "chi", "kappa", "two_theta")
"""Axes of a goniometer that the stream knows."""
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class AngleStep:
    """Degrees: at the beginning of the first image, and on to the next."""

    start: float
    increment: float


@dataclass(frozen=True, slots=True, eq=False)
class StartFacts:
    """What a start message says; None, or "", where it does not.

    n_images : of the series; beam_centre : (x, y) pixels; pixel_size : (x, y) m; distance, thickness : m
    wavelength : Angstrom; times : s; masks : channel -> bits of each pixel, 0 for good ones
    applied : corrections that the detector made, by the names of NXdetector
    warnings : what is said and cannot be, in plain words
    """

    n_images: int | None
    channels: tuple[str, ...]
    beam_centre: tuple[float | None, float | None]
    pixel_size: tuple[float | None, float | None]
    distance: float | None
    wavelength: float | None
    thickness: float | None
    material: str
    saturation: int | None
    count_time: float | None
    frame_time: float | None
    description: str
    serial_number: str
    arm_date: str
    axes: Mapping[str, AngleStep]
    thresholds: Mapping[str, float]
    masks: Mapping[str, Packed]
    applied: Mapping[str, bool]
    warnings: tuple[str, ...] = ()


def facts_of(message: StartMessage) -> StartFacts:
    """The facts of a start message. Never raises for what it says."""
    said = _Said(message.fields)
    energy = said.number("incident_energy")
    wavelength = said.number("incident_wavelength")
    translation = said.items("detector_translation")
    return StartFacts(
        n_images=said.n_images(),
        channels=tuple(text[:LONGEST_TEXT] for text in said.items("channels") if isinstance(text, str)),
        beam_centre=(said.number("beam_center_x"), said.number("beam_center_y")),
        pixel_size=(said.number("pixel_size_x"), said.number("pixel_size_y")),
        distance=said.among("detector_translation", translation[2]) if len(translation) == 3 else None,
        wavelength=wavelength or (ELECTRONVOLT_ANGSTROM / energy if energy else None),
        thickness=said.number("sensor_thickness"),
        material=said.text("sensor_material"),
        saturation=said.count("saturation_value"),
        count_time=said.number("count_time"),
        frame_time=said.number("frame_time"),
        description=said.text("detector_description"),
        serial_number=said.text("detector_serial_number"),
        arm_date=said.moment("arm_date"),
        axes=said.axes(),
        thresholds=said.thresholds(),
        masks=said.masks(),
        applied=said.applied(),
        warnings=tuple(said.warnings),
    )


@dataclass(slots=True)
class _Said:
    """The fields of a start message, taken one by one."""

    fields: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)

    def number(self, name: str) -> float | None:
        """A finite number."""
        return self.among(name, self.fields.get(name))

    def among(self, name: str, value: object) -> float | None:
        """A value of a field as a finite number."""
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            return float(value)
        if value is not None:
            self.warnings.append(f"{name} is not a number: it is not used")
        return None

    def count(self, name: str) -> int | None:
        """A whole number from 0 on."""
        value = self.number(name)
        return int(value) if value is not None and value >= 0 else None

    def n_images(self) -> int | None:
        """The number of images; None where it is not said, or more than a file can have."""
        value = self.count("number_of_images")
        if value and value > MOST_FRAMES:
            self.warnings.append(f"number_of_images is {value}, more than can be: it is not used")
            return None
        return value or None

    def items(self, name: str) -> list[Any]:
        """The members of an array."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, list | tuple):
            self.warnings.append(f"{name} is not a list: it is not used")
        return list(value) if isinstance(value, list | tuple) else []

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A map whose keys are texts."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, Mapping):
            self.warnings.append(f"{name} is not a table: it is not used")
        return {k: v for k, v in value.items() if isinstance(k, str)} if isinstance(value, Mapping) else {}

    def text(self, name: str) -> str:
        """A text."""
        value = self.fields.get(name)
        return _clean(value) if isinstance(value, str) else ""

    def moment(self, name: str) -> str:
        """Date and time as text, however it was decoded."""
        value = self.fields.get(name)
        return value.isoformat() if isinstance(value, datetime) else self.text(name)

    def axes(self) -> dict[str, AngleStep]:
        """The axes that are known and have an angle."""
        found = {}
        for name, axis in self.mapping("goniometer").items():
            if name in AXES and isinstance(axis, Mapping):
                start = self.among(f"the goniometer's {name}", axis.get("start"))
                increment = self.among(f"the goniometer's {name}", axis.get("increment"))
                if start is not None:
                    found[name] = AngleStep(start, increment or 0.0)
        return found

    def thresholds(self) -> dict[str, float]:
        """Energies by channel, eV."""
        energies = self.mapping("threshold_energy")
        found = {name: self.among("threshold_energy", value) for name, value in energies.items()}
        return {name: value for name, value in found.items() if value is not None}

    def masks(self) -> dict[str, Packed]:
        """Masks by channel, packed as they came; those that are damaged are told of."""
        found = {}
        for name, item in self.mapping("pixel_mask").items():
            try:
                found[name] = packed(item, "the pixel mask")
                found[name].unpacked()
            except BadMessage as error:
                found.pop(name, None)
                self.warnings.append(f"{error.facts['reason']}: no pixels are masked by it")
        return found

    def applied(self) -> dict[str, bool]:
        """Which corrections were made, as far as that is said."""
        names = {
            "flatfield_enabled": "flatfield_applied",
            "countrate_correction_enabled": "countrate_correction_applied",
            "pixel_mask_enabled": "pixel_mask_applied",
            "virtual_pixel_interpolation_enabled": "virtual_pixel_interpolation_applied",
        }
        said = {ours: self.fields.get(theirs) for theirs, ours in names.items()}
        return {name: value for name, value in said.items() if isinstance(value, bool)}


def _clean(text: str) -> str:
    """A text without what HDF5 cannot hold."""
    return text[:LONGEST_TEXT].replace("\0", "").encode(errors="replace").decode()
