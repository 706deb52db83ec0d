"""What the header of an image says of the experiment, in one convention whatever the format's own is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from autoproc.formats.header_values import overload_assumed, quoted
from autoproc.formats.images.minicbf import NO_CUTOFF, NUMBER
from autoproc.formats.images.polarisation import Polarisation
from autoproc.models.experiment import Goniometer

X, Y, Z = np.eye(3)
LARGEST_16_BIT = 65535.0
"""Where 16-bit counts of CCD detectors are full."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameFacts:
    """What a header says; None where it does not. The laboratory has X along the usual axis, Z to the source.

    wavelength : Angstrom; distance : from the sample along the detector's normal, mm; pixel_size : (fast, slow) mm
    centre : (fast, slow) pixels, where that normal meets the detector; oscillation : (start, width), degrees
    exposure : s; fast, slow : (3,) directions of rows and columns, with the detector's swing; to_source : (3,)
    trusted_range : counts without pedestal, as Panel has it; gain : counts a photon
    serial : of the detector, with its maker, "ADSC 457"; date : of the image, "2021-05-22", or ""
    """

    wavelength: float | None = None
    distance: float | None = None
    pixel_size: tuple[float, float] | None = None
    centre: tuple[float, float] | None = None
    oscillation: tuple[float, float] | None = None
    exposure: float = 0.0
    fast: np.ndarray = field(default_factory=lambda: X)
    slow: np.ndarray = field(default_factory=lambda: -Y)
    to_source: np.ndarray = field(default_factory=lambda: Z)
    polarisation: Polarisation = field(default_factory=Polarisation)
    goniometer: Goniometer | None = None
    trusted_range: tuple[float, float] = (-1.0, NO_CUTOFF)
    gain: float = 1.0
    pedestal: float = 0.0
    serial: str = ""
    date: str = ""
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def number(fields: Mapping[str, str], *names: str) -> float | None:
    """The first number of the first of these fields that has one. Raises ValueError where it is beyond all numbers."""
    for name in names:
        match = re.match(NUMBER, fields.get(name, "").lstrip())
        if match:
            return _finite(match.group())
    return None


def number_list(fields: Mapping[str, str], name: str) -> list[float]:
    """All numbers of a field. Raises ValueError where one is beyond all numbers."""
    return [_finite(text) for text in re.findall(NUMBER, fields.get(name, ""))]


def overload(
    fields: Mapping[str, str], *names: str, otherwise: float = LARGEST_16_BIT
) -> tuple[float, tuple[str, ...]]:
    """The count where the detector is full, of the first of these fields that has one that can be.

    With it what there is to say of it, in words: that the header has none, or none that can be.
    """
    for name in names:
        said = number(fields, name)
        if said is not None and said > 0:
            return said, ()
    there = ", ".join(quoted(fields[name]) for name in names if fields.get(name))
    return otherwise, (overload_assumed(otherwise, there),)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    """Both, or None where one is not said."""
    return None if first is None or second is None else (first, second)
