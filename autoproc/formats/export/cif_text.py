"""CIF as text: pairs and loops, with unknown values as question marks; many rows at little cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gemmi
import numpy as np

from autoproc.formats.export.exported import one_line

ROWS = 100_000
"""Formatted at a time, so that the text of a large table is never in memory as a whole."""


def cif_value(value: Any) -> str:
    """A value as it stands in a file: ? for what is not known, quoted where it must be, ASCII only."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "?"
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}" if np.isfinite(value) else "?"
    text: str = gemmi.cif.quote(one_line(str(value)))
    return text


def pairs(prefix: str, values: Mapping[str, Any]) -> str:
    """Items of a category that has one row; prefix: of their names, such as _cell. or _cell_."""
    width = max(len(name) for name in values) + len(prefix)
    lines = (f"{f'{prefix}{name}':<{width}} {cif_value(value)}\n" for name, value in values.items())
    return "".join(lines) + "#\n"


def rows(prefix: str, names: Sequence[str], values: Sequence[Sequence[Any]]) -> str:
    """A loop of few rows of any values."""
    lines = [" ".join(cif_value(value) for value in row) + "\n" for row in values]
    return loop_head(prefix, names) + "".join(lines) + "#\n"


def loop_head(prefix: str, names: Sequence[str]) -> str:
    """The names of a loop."""
    return "loop_\n" + "".join(f"{prefix}{name}\n" for name in names)


def table(prefix: str, columns: Mapping[str, tuple[np.ndarray, str]]) -> Iterator[str]:
    """A loop of many rows, in pieces: by name, values (N,) and their format such as .5g; NaN as question marks."""
    yield loop_head(prefix, list(columns))
    n = len(next(iter(columns.values()))[0])
    for begin in range(0, n, ROWS):
        texts = [_column(values[begin : begin + ROWS], form) for values, form in columns.values()]
        yield "".join(" ".join(row) + "\n" for row in zip(*texts, strict=True))
    yield "#\n"


def _column(values: np.ndarray, form: str) -> list[str]:
    """The texts of a column; form "s" takes texts that need no quotes."""
    listed = values.tolist()
    if form == "s":
        return listed
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return [format(v, form) if known else "?" for v, known in zip(listed, np.isfinite(values), strict=True)]
    return [format(v, form) for v in listed]
