"""What to take instead of the images' headers, and what counts as a sweep."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from autoproc.formats.header_values import (
    MAX_DISTANCE,
    MAX_PIXEL_SIZE,
    MAX_WAVELENGTH,
    MIN_DISTANCE,
    MIN_PIXEL_SIZE,
    MIN_WAVELENGTH,
)
from autoproc.importing.overriding import Rectangle, Vector
from autoproc.params import Params

RANGE = re.compile(r"(\d+)(?:\s*[-:]\s*(\d+))?")
Finite = Annotated[float, Field(allow_inf_nan=False)]


PixelSide = Annotated[float, Field(ge=MIN_PIXEL_SIZE, le=MAX_PIXEL_SIZE)]


class ImportParams(Params):
    """What to take instead of the images' headers, and what counts as a sweep."""

    wavelength: float | None = Field(None, ge=MIN_WAVELENGTH, le=MAX_WAVELENGTH)
    """Wavelength, Angstrom; none takes the header's."""
    distance: float | None = Field(None, ge=MIN_DISTANCE, le=MAX_DISTANCE)
    """Distance from the sample to the detector along its normal, mm; none takes the header's."""
    beam_centre: tuple[Finite, Finite] | None = None
    """Where the direct beam meets the detector, (fast, slow) pixels; none takes the header's."""
    pixel_size: tuple[PixelSide, PixelSide] | None = None
    """(fast, slow) mm, for images whose header does not say, such as plain TIFF, or says what is impossible; none
    takes the header's. The beam centre stays where it is in pixels if the header gives it so, else in mm."""
    rotation_axis: Vector | None = None
    """Direction of a single rotation axis in the laboratory; (-1, 0, 0) reverses the usual one."""
    goniometer_axes: tuple[Vector, ...] | None = None
    """Axes of the goniometer from the crystal outwards; the last one is scanned; none takes the header's."""
    goniometer_angles: tuple[Finite, ...] | None = None
    """Settings of goniometer_axes, degrees; none puts all at 0."""
    oscillation: tuple[Finite, Finite] | None = None
    """Start of the first image of each series and width of an image, degrees; none takes the header's."""
    polarization_fraction: float | None = Field(None, ge=0, le=1)
    """Part of the beam polarised in its plane, 0.5 (not polarised, as most laboratory sources) to 1; none takes
    the header's, and 0.999, right for synchrotrons, where it does not say."""
    polarization_normal: Vector | None = None
    """Normal of the plane of polarisation, where (0, 1, 0) is up; none takes the header's, or that one."""
    gain: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Counts for a photon; none takes the reader's, 1 for photon counters."""
    min_trusted: int | None = None
    """The least number of a pixel that is a count, such as -1000 for a readout with noise about 0; none takes
    the file's, and 0 where it does not say."""
    max_trusted: int | None = Field(None, gt=0)
    """Counts at which a pixel is overloaded; none takes the file's."""
    mask: tuple[Rectangle, ...] = ()
    """Rectangles x0,y0,x1,y1 that are never trusted, pixels, half-open; several separated by semicolons."""
    image_range: tuple[int, int] | None = None
    """First and last image to use of every sweep, as numbered in the file names; none uses all. What a
    sweep lacks of them is warned of."""
    exclude_images: tuple[str, ...] = ()
    """Images to leave out of every sweep, numbers or ranges as in the file names: 7,20-25. They are neither
    searched for spots nor integrated; the sweep goes on behind them."""
    min_images: int = Field(3, ge=1)
    """Fewer images than this are test shots, not a sweep: nothing can be refined against them."""
    max_damaged_fraction: float = Field(0.05, ge=0, le=1)
    """Images that may be damaged or missing, as a fraction of a sweep: they are left out with a warning. With
    more of them missing the longest unbroken run is used, with more damaged the sweep fails. 0 forgives none."""
    link_roots: tuple[str, ...] = ()
    """Folders that links may lead into besides those of the visit: symbolic links to images, links between HDF5
    files. A file may lead to what lies below its own folder and the one above it; who can write there could
    otherwise have the service read what is not theirs. Needed where data files are kept elsewhere than their
    masters, or images are linked into a working directory: /store/raw, or / for no limit."""
    max_screening_rotation: float = Field(2.0, ge=0, allow_inf_nan=False)
    """Series cut into several pieces of at most this many degrees each are screening shots (0, 45, 90)."""

    @field_validator("exclude_images", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, int):
            return (str(value),)
        return tuple(map(str, value)) if isinstance(value, (list, tuple)) else value

    @field_validator("exclude_images")
    @classmethod
    def _are_ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            match = RANGE.fullmatch(text.strip())
            if match is None or (match.group(2) and int(match.group(1)) > int(match.group(2))):
                raise ValueError(f"{text} is neither an image's number nor a range as 20-25")
        return value

    @field_validator("oscillation")
    @classmethod
    def _turns(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[1] == 0:
            raise ValueError("the width of an image cannot be 0")
        return value

    @field_validator("rotation_axis", "polarization_normal")
    @classmethod
    def _is_a_direction(cls, value: Vector | None) -> Vector | None:
        if value is not None and not 0 < np.linalg.norm(value) < np.inf:
            raise ValueError("a vector needs a direction")
        return value

    @field_validator("goniometer_axes")
    @classmethod
    def _are_directions(cls, value: tuple[Vector, ...] | None) -> tuple[Vector, ...] | None:
        for axis in value or ():
            cls._is_a_direction(axis)
        return value

    @field_validator("mask")
    @classmethod
    def _are_rectangles(cls, value: tuple[Rectangle, ...]) -> tuple[Rectangle, ...]:
        if any(x0 >= x1 or y0 >= y1 for x0, y0, x1, y1 in value):
            raise ValueError("a rectangle is x0,y0,x1,y1 with x0 < x1 and y0 < y1")
        return value

    @model_validator(mode="after")
    def _agree(self) -> ImportParams:
        if self.image_range is not None and not 0 <= self.image_range[0] <= self.image_range[1]:
            raise ValueError("image_range is first,last with 0 <= first <= last")
        if self.min_trusted is not None and self.max_trusted is not None and self.min_trusted >= self.max_trusted:
            raise ValueError("min_trusted must be below max_trusted")
        n_axes = None if self.goniometer_axes is None else len(self.goniometer_axes)
        if self.goniometer_angles is not None and len(self.goniometer_angles) != n_axes:
            raise ValueError("goniometer_angles needs one angle for each of goniometer_axes")
        return self

    def excluded_from(self, numbers: Iterable[int]) -> list[int]:
        """Those of some images, by number, that exclude_images names."""
        ranges = self._excluded_ranges()
        return [number for number in numbers if any(low <= number <= high for low, high in ranges)]

    def excluded_outside(self, first: int, last: int) -> list[str]:
        """What of exclude_images names no image from `first` to `last`."""
        ranges = zip(self.exclude_images, self._excluded_ranges(), strict=True)
        return [text for text, (low, high) in ranges if high < first or low > last]

    def _excluded_ranges(self) -> list[tuple[int, int]]:
        matches = [RANGE.fullmatch(text.strip()) for text in self.exclude_images]
        return [(int(m.group(1)), int(m.group(2) or m.group(1))) for m in matches if m]
