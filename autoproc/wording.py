"""Values in words, as tables, reports and warnings print them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # commands that print words only need not wait for numbers
    from autoproc.models.crystal import Crystal


def with_uncertainty(value: float, esd: float) -> str:
    """A value with its standard uncertainty in units of the last digit: 77.621(3); 90.0 where it is exact."""
    if esd <= 0:
        return f"{value:.6g}"
    digits = max(0, -math.floor(math.log10(esd)))
    units = round(esd * 10**digits)
    if units < 2:
        digits, units = digits + 1, round(esd * 10 ** (digits + 1))
    return f"{value:.{digits}f}({units})"


def cell_with_uncertainties(crystal: Crystal) -> str:
    """The six cell parameters, Angstrom and degrees, with their uncertainties in brackets where they are known."""
    esd = crystal.cell_esd or (0.0,) * 6
    return ", ".join(with_uncertainty(value, e) for value, e in zip(crystal.cell, esd, strict=True))


Form = str | Callable[[float], str]
"""How a figure is written: as `format` takes it, or by a function."""


def written(value: float, form: Form) -> str:
    """A figure as `form` has it: "{:.3f}", or a function as angstrom."""
    return form.format(value) if isinstance(form, str) else form(value)


def angstrom(d: float) -> str:
    """A resolution or a limit, Angstrom, with two decimals: of the three that results keep, a half upwards.

    So 1.98496, and the 1.985 that is kept of it, are both 1.99: every place shows the same limit.
    """
    if not math.isfinite(d):
        return f"{d:.2f}"
    thousandths = round(1000 * round(d, 3))
    return f"{(thousandths + 5) // 10 / 100:.2f}"


def counted(n: int, noun: str) -> str:
    """A number with its noun: 1 image, 3 images."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


VERDICTS = {"good": "good", "look": "look closer", "bad": "beware"}
"""What the checks of a sweep came to, as people read it wherever it is said."""


def ordinal(n: int) -> str:
    """A number as a place in an order: 1st, 2nd, 3rd, 4th, 11th, 22nd."""
    ending = "th" if 10 < n % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def accounted(n_used: int, left_out: Sequence[tuple[str, int]], used: str, what: str = "observations read") -> str:
    """How many were read, how many of them used, and why the others were not; the numbers add up.

    used : what was done with them, as "scaled"; left_out : (why, how many)
    """
    n_left = sum(n for _, n in left_out)
    reasons = ", ".join(f"{n} {why}" for why, n in left_out)
    told = f"{n_used + n_left} {what}: {n_used} {used}"
    return f"{told}, {n_left} left out ({reasons})" if n_left else f"{told}, none left out"


WIDTH = 100
"""Letters of a line of summary.txt."""
CUT = " ..."
"""The end of a sentence that was cut."""


def first_of(names: Sequence[str], most: int = 3) -> str:
    """The first names of a list, and how many there are beyond them; of one that was cut, what it is about."""
    whole = list(dict.fromkeys(name.partition(":")[0] if name.endswith(CUT) else name for name in names))
    more = len(whole) - most
    return ", ".join(whole[:most]) + (f" and {more} more" if more > 0 else "")


def images_in_words(n_images: int, n_used: int | None = None) -> str:
    """How many images a sweep has, and of how many of them there was something to use: "55 of 60"."""
    return f"{n_used} of {n_images}" if n_used is not None and n_used < n_images else str(n_images)


LEAST_CLAUSE = 20
"""Letters; a shorter beginning ("partial") says too little by itself."""


def in_brief(sentence: str, most: int = 64) -> str:
    """The first clause of a sentence, of at most so many letters, in whole words; it ends at a comma where it can."""
    clause = sentence.split("; ", maxsplit=1)[0]
    for mark in (": ", " ("):
        first = clause.split(mark)[0]
        clause = first if len(first) >= LEAST_CLAUSE else clause
    shorter = clause[: most + 1].rpartition(", ")[0] if len(clause) > most else ""
    clause = shorter if len(shorter) >= LEAST_CLAUSE else clause
    return textwrap.shorten(clause, most, placeholder=CUT)


def number_ranges(numbers: Sequence[int], most: int | None = None) -> str:
    """Ascending numbers as "1-4, 7, 9-12"; after `most` ranges, how many more there are."""
    runs: list[list[int]] = []
    for number in map(int, numbers):
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs]
    if most is not None and len(words) > most:
        words = [*words[:most], f"{len(words) - most} more stretches"]
    return ", ".join(words)
