"""The columns of lists of sweeps: the same on the page and in CSV, in the order in which SynchWeb has them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoproc.wording import Form, angstrom, written


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """A figure of a sweep.

    key : in its row; heading; meaning : in words, with the unit; form : how it is written
    order : of ORDERS, by which it is sorted; is_descending : the greatest first, when it is sorted by first
    """

    key: str
    heading: str
    meaning: str
    form: Form = ""
    order: str = ""
    is_descending: bool = True

    def text(self, row: Mapping[str, Any]) -> str:
        """The figure of a row as it is written; "" without one."""
        value = row.get(self.key)
        if value is None:
            return ""
        return written(value, self.form) if self.form else str(value)


FIGURES = (
    FigureColumn("space_group", "space group", "space group", "", "space_group", False),
    FigureColumn("unit_cell", "cell", "unit cell: a, b, c in Angstrom; alpha, beta, gamma in degrees"),
    FigureColumn("d_min", "d min", "resolution limit, Angstrom", angstrom, "d_min", False),
    FigureColumn("completeness", "compl.", "completeness to the limit, %", "{:.1f}", "completeness"),
    FigureColumn("multiplicity", "mult.", "multiplicity", "{:.1f}", "multiplicity"),
    FigureColumn(
        "r_meas_inner", "Rmeas low", "Rmeas at low resolution: that of the first shell", "{:.3f}", "r_meas_inner", False
    ),
    FigureColumn("cc_half", "CC½", "CC½ of all reflections", "{:.3f}", "cc_half"),
    FigureColumn("isa", "ISa", "ISa: I/sigma of the strongest reflections, limited by the instrument", "{:.1f}", "isa"),
    FigureColumn(
        "cc_anom_inner",
        "CCano",
        "anomalous correlation in the inner shell where it is significant: a signal where it is well above 0.3",
        "{:.2f}",
        "cc_anom_inner",
    ),
)
BESIDE = ("name", "state", "verdict")
AFTER = ("n_images", "n_images_used", "n_lattices", "path", "words")
TIMES = ("found_at", "started_at", "finished_at")
CELL = ("a", "b", "c", "alpha", "beta", "gamma")
HARMFUL = ("=", "+", "-", "@", "\t", "\r")
"""First letters of texts that a spreadsheet takes for formulae."""


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as a table for spreadsheets and programs; times as ISO 8601, figures as they are."""
    file = io.StringIO()
    writer = csv.writer(file)
    figures = [column.key for column in FIGURES if column.key != "unit_cell"]
    writer.writerow([*BESIDE, *figures, *CELL, *AFTER, *TIMES])
    for row in rows:
        cell = row.get("unit_cell") or ("",) * 6
        values = [*(row.get(key) for key in (*BESIDE, *figures)), *cell, *(row.get(key) for key in AFTER)]
        writer.writerow([*map(_harmless, values), *(_iso(row.get(key)) for key in TIMES)])
    return file.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(HARMFUL) else value


def _iso(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
