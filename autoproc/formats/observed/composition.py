"""What a crystal holds: "C3 H7 N O2 S"."""

from __future__ import annotations

import re

import gemmi

from autoproc.errors import ConfigurationError

PART = re.compile(r"\s*([A-Z][a-z]?)(\d+(?:\.\d+)?)?\s*")
VOLUME_OF_AN_ATOM = 18.0
"""Cubic Angstrom for an atom that is not hydrogen, in organic crystals: Kempster and Lipson (1972), Acta B28, 3674."""


class BadComposition(ConfigurationError):
    """A composition that is no formula."""

    what = "composition={given!r} cannot be read: {reason}"
    hint = 'write the elements of a formula unit with their numbers, such as composition="C3 H7 N O2 S"'


def read_composition(text: str) -> dict[str, float]:
    """Atoms of each element in a formula unit: carbon, hydrogen, then the others by name. Raises BadComposition."""
    counts: dict[str, float] = {}
    position, text = 0, text.strip()
    while position < len(text):
        found = PART.match(text, position)
        if found is None:
            raise BadComposition(given=text, reason=f"{text[position:][:20]!r} is no element with a number")
        element, number = found.groups()
        if gemmi.Element(element).atomic_number == 0:
            raise BadComposition(given=text, reason=f"there is no element {element}")
        counts[element] = counts.get(element, 0.0) + float(number or 1)
        position = found.end()
    if not all(counts.values()):
        raise BadComposition(given=text, reason="an element has the number 0")
    first = [e for e in ("C", "H") if e in counts and "C" in counts]
    return {e: counts[e] for e in [*first, *sorted(set(counts) - set(first))]}


def formula_units(counts: dict[str, float], volume: float, order: int) -> int:
    """Formula units in a cell of so many cubic Angstrom: the multiple of the group's order nearest to what fits in.

    At least half of the order, where a molecule sits on a symmetry element, and then that half.
    """
    heavy = sum(n for element, n in counts.items() if element not in ("H", "D")) or sum(counts.values())
    fits = volume / (VOLUME_OF_AN_ATOM * heavy) / order
    if fits < 0.75 and order % 2 == 0:
        return order // 2
    return order * max(1, round(fits))
