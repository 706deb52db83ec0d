"""A table of a page, as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autoproc.wording import Form, written

NOTHING = "\u2013"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title, a sentence of explanation, a header and rows of text.

    strong : the row to point out; views : of each row, what the image viewer is asked for to show it, as in its address
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: str = ""
    strong: int | None = None
    views: Sequence[str] = ()


def text(value: float | int | None, form: Form) -> str:
    """A number as `form` has it, a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else written(value, form)
