"""Units of NeXus files in all their spellings, read by pint.

NeXus leaves spelling to the writer: "nm", "nanometer" and "nanometres" all occur. pint takes most of a
second to load, so that the spellings that DECTRIS and NXmx writers use by default do not wait for it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from autoproc.errors import InputError

if TYPE_CHECKING:
    import pint

USUAL = {
    ("m", "mm"): 1e3, ("mm", "mm"): 1.0, ("um", "mm"): 1e-3,
    ("deg", "deg"): 1.0, ("degree", "deg"): 1.0, ("degrees", "deg"): 1.0,
    ("s", "s"): 1.0, ("angstrom", "angstrom"): 1.0, ("ev", "eV"): 1.0, ("eV", "eV"): 1.0, ("keV", "eV"): 1e3,
}  # fmt: skip
"""Factors that need no library, by (spelling, wanted unit)."""

COUNTED = frozenset({"pixel", "pixels"})
"""What is counted: no unit of anything. DECTRIS writers give beam centres in it."""

LOCAL_SPELLINGS = {"A": "angstrom", "a": "angstrom", "ang": "angstrom", "Ang": "angstrom", "°": "degree"}
"""What crystallographers write and pint takes for something else (an ampere) or does not know."""

WORD = re.compile(r"[A-Za-zµμÅ°_]{1,32}")
"""A single unit. Whatever else a file says is not evaluated."""

ELECTRONVOLT_ANGSTROM = 12398.419843
"""h c, exact since 2019."""


class UnknownUnit(InputError):
    """A value has a unit that is none, or one of another kind of quantity."""

    what = "{path}: {field} has the unit {unit}, which is no unit of {kind}"
    hint = "correct the units attribute in the file{otherwise}"


KINDS = {"mm": "length", "angstrom": "length", "deg": "angle", "s": "time", "eV": "energy"}


def unit_factor(given: str, wanted: str) -> float | None:
    """What a value in `given` is to be multiplied by for mm, angstrom, deg, s or eV; None for no such unit.

    Capital letters do not matter where a unit is not known otherwise: Degrees, KeV.
    """
    word = given.strip()
    usual = USUAL.get((word, wanted))
    if usual is not None or word.lower() in COUNTED:
        return usual
    return _looked_up(word, wanted) if WORD.fullmatch(word) else None


@lru_cache(maxsize=256)
def _looked_up(word: str, wanted: str) -> float | None:
    import pint  # noqa: PLC0415  (takes most of a second to load)

    registry = _registry()
    for spelling in (LOCAL_SPELLINGS.get(word, word), word.lower()):
        try:
            return float(registry.Quantity(1.0, registry.parse_units(spelling)).to(_PINT_NAMES[wanted]).magnitude)
        except (pint.UndefinedUnitError, pint.DimensionalityError, pint.OffsetUnitCalculusError):
            continue
    return None


@cache
def _registry() -> pint.UnitRegistry:
    import pint  # noqa: PLC0415  (takes most of a second to load)

    registry: pint.UnitRegistry = pint.UnitRegistry()
    registry.define("@alias electron_volt = ev")
    return registry


_PINT_NAMES = {"mm": "millimeter", "angstrom": "angstrom", "deg": "degree", "s": "second", "eV": "electron_volt"}
