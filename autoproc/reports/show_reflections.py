"""What a .refl file holds: its columns, flags, and how many reflections each experiment has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoproc.formats.dials.refl import read_refl_columns
from autoproc.models.columns import COLUMNS
from autoproc.models.reflections import Flag, Reflections
from autoproc.text_tables import ruled_table
from autoproc.wording import counted

UNITS = {column.dials: column.unit for column in COLUMNS.values()}
COMPOSITE = (Flag.BAD_FOR_SCALING, Flag.INCLUDES_BAD_PIXELS)


def format_reflections(path: str | Path) -> str:
    """Every column of a .refl file with its range and mean, and the flags that are set."""
    raw = read_refl_columns(path)
    columns, n_rows = raw["columns"], raw["n_rows"]
    lines = [f"Reflection list contains {counted(n_rows, 'reflection')}", *_by_experiment(raw)]
    rows = [_column(name, kind, columns.get(name)) for name, kind in sorted(raw["types"].items())]
    lines += ["", ruled_table(["Column", "unit", "min", "max", "mean"], rows, left=(0, 1))]
    if n_rows and "flags" in columns:
        lines += ["", "Reflection flags:", flag_table(columns["flags"])]
    return "\n".join(lines)


def column_table(reflections: Reflections) -> str:
    """The columns of a table with their ranges and means, under their DIALS names, and the flags that are set."""
    rows = [_column(COLUMNS[name].dials, "", reflections[name]) for name in sorted(reflections)]
    columns = ruled_table(["Column", "unit", "min", "max", "mean"], rows, left=(0, 1))
    return f"{columns}\n\nReflection flags:\n{flag_table(reflections['flags'])}"


def _by_experiment(raw: dict) -> list[str]:
    """Reflections of each experiment; those of none are unindexed."""
    ids = raw["columns"].get("id")
    if ids is None:
        return []
    counts = {int(n): int(c) for n, c in zip(*np.unique(ids, return_counts=True), strict=True)}
    lines = [
        f"    experiment {n}: {counts.get(n, 0)} {raw['identifiers'].get(n, '')}".rstrip()
        for n in sorted({*raw["identifiers"], *(n for n in counts if n >= 0)})
    ]
    return lines + ([f"    not indexed: {counts[-1]}"] if -1 in counts else [])


def flag_table(flags: np.ndarray) -> str:
    """How many reflections have each flag that any of them has."""
    rows = []
    for flag in (*Flag, *COMPOSITE):
        count = int(np.count_nonzero(flags & np.uint64(flag)))
        if count:
            rows.append([str(flag.name).lower(), str(count), f"{100 * count / len(flags):.1f}"])
    return ruled_table(["Flag", "Count", "%"], rows, left=(0,))


def _column(name: str, kind: str, values: np.ndarray | None) -> list[str]:
    if values is None or not len(values) or values.dtype == object or name == "flags":
        return [name, UNITS.get(name, ""), "", "", ""]
    exact = values.dtype.kind in "iub"
    numbers = np.ma.masked_invalid(values.astype(float))
    found = [np.ma.filled(np.ma.atleast_1d(f(axis=0)), np.nan) for f in (numbers.min, numbers.max, numbers.mean)]
    return [name, UNITS.get(name, ""), *(_written(v, exact) for v in found[:2]), _written(found[2], False)]


def _written(values: np.ndarray, exact: bool) -> str:
    return ", ".join(f"{x:.0f}" if exact and np.isfinite(x) else number(float(x)) for x in np.atleast_1d(values))


def number(x: float) -> str:
    """Five digits or so, without an exponent where that is readable."""
    if x == 0 or not np.isfinite(x):
        return f"{x:g}"
    if abs(x) >= 1e7 or abs(x) < 1e-4:
        return f"{x:.3g}"
    return f"{x:.{int(np.clip(3 - np.floor(np.log10(abs(x))), 0, 5))}f}"
