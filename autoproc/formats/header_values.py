"""Values that image headers must give: what a user may put in their place, and what is nonsense."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from autoproc.errors import BadHeader
from autoproc.legible import plain

MIN_WAVELENGTH, MAX_WAVELENGTH = 0.01, 20.0
MIN_DISTANCE, MAX_DISTANCE = 1.0, 20000.0
MIN_PIXEL_SIZE, MAX_PIXEL_SIZE = 1e-3, 10.0
"""mm; those of detectors are 0.01 to 1."""
LONGEST_QUOTED = 40
"""Characters of a header's value that a message repeats: values are numbers with a unit, or a name."""

LONGEST_TOLD = 120
"""Characters of a library's words that a message repeats: sentences of the libraries here, and of this program."""


@dataclass(frozen=True, slots=True)
class HeaderOverrides:
    """What a user says instead of a header; None leaves the header's value.

    wavelength : Angstrom; distance : mm; beam_centre : (fast, slow) pixels
    oscillation : (start of the first image, width), degrees
    pixel_size : (fast, slow) mm
    """

    wavelength: float | None = None
    distance: float | None = None
    beam_centre: tuple[float, float] | None = None
    oscillation: tuple[float, float] | None = None
    pixel_size: tuple[float, float] | None = None


NO_OVERRIDES = HeaderOverrides()


def required_wavelength(path: str | Path, value: float | None, text: str = "") -> float:
    """A wavelength, Angstrom, that X-rays for diffraction may have; text is what the header says. Raises BadHeader."""
    if value is None or not MIN_WAVELENGTH <= value <= MAX_WAVELENGTH:
        said = _said(value, "A", text)
        raise BadHeader(path=path, field="wavelength", value=said, override="wavelength=0.9795 (Angstrom)")
    return value


def required_distance(path: str | Path, value: float | None, text: str = "") -> float:
    """A detector distance, mm, that is possible; text is what the header says. Raises BadHeader."""
    if value is None or not MIN_DISTANCE <= abs(value) <= MAX_DISTANCE:
        said = _said(value, "mm", text)
        raise BadHeader(path=path, field="detector distance", value=said, override="distance=200 (mm)")
    return abs(value)


def required_pixel_size(
    path: str | Path, value: tuple[float | None, float | None] | None, text: str = ""
) -> tuple[float, float]:
    """A size of pixels, (fast, slow) mm, that is possible; text is what the header says. Raises BadHeader."""
    fast, slow = value or (None, None)
    if fast is not None and slow is not None and is_pixel_size((fast, slow)):
        return fast, slow
    if fast is None or slow is None:
        said = f"{quoted(text)}, which is no size" if text else "missing"
    else:
        said = f"{fast:g} x {slow:g} mm"
    raise BadHeader(path=path, field="pixel size", value=said, override="pixel_size=0.172,0.172 (fast, slow mm)")


def is_pixel_size(size: tuple[float, float]) -> bool:
    """Both sides, mm, are possible."""
    return all(MIN_PIXEL_SIZE <= side <= MAX_PIXEL_SIZE for side in size)


def required_beam_centre(path: str | Path, value: tuple[float, float] | None) -> tuple[float, float]:
    """A beam centre, pixels: any finite position but (0, 0), which means that none was set. Raises BadHeader."""
    if value is None or not all(map(math.isfinite, value)) or value == (0.0, 0.0):
        said = "missing" if value is None else f"({value[0]:g}, {value[1]:g}) pixels"
        raise BadHeader(
            path=path, field="beam centre", value=said, override="beam_centre=1230.5,1263.2 (fast, slow pixels)"
        )
    return value


OVERLOAD = "pixels are taken as overloaded from "
"""How the sentence about an assumed overload begins, by which it is known."""


def overload_assumed(taken: float, said: str = "") -> str:
    """That a file's number for where pixels are full is none, or that it gives none; what is taken instead, in words.

    taken : counts; said : what the file has in the place of them, in words, "" where it has nothing
    """
    why = f"the file says {said}, which is no such number" if said else "the file does not say where they are full"
    return f"{OVERLOAD}{taken:.10g} counts on, since {why}; max_trusted= overrides it"


def quoted(text: str) -> str:
    """What a file says, as it may stand in a message: short and printable, or only how long it is.

    A header's value is a few words; anything else may be the content of another file.
    """
    if len(text) <= LONGEST_QUOTED and text.isascii() and text.isprintable():
        return repr(text)
    return f"a text of {len(text)} characters that is no such value"


def told(error: BaseException) -> str:
    """What a library says of a file, which it may quote: where that is short and printable, else the kind of error."""
    words = plain(error)
    is_fit = 0 < len(words) <= LONGEST_TOLD and words.isascii() and words.isprintable()
    return words if is_fit else type(error).__name__


def _said(value: float | None, unit: str, text: str) -> str:
    if value is None:
        return f"{quoted(text)}, which is no number" if text else "missing"
    if math.isnan(value):
        return "not a number"
    return f"{value:g} {unit}"
