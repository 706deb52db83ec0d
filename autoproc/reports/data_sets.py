"""The data sets of a group: a line on each in the summary, and a table on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autoproc.models.data_sets import DataSetRow, one_a_sweep
from autoproc.models.wavelengths import alike
from autoproc.reports.table import Table, text
from autoproc.wording import counted

COLUMNS = (
    ("images", "{:d}", "n_images"), ("degrees", "{:.0f}", "rotation"), ("CC", "{:.3f}", "cc"),
    ("\u0394CC\u00bd", "{:+.4f}", "delta_cc_half"), ("observations", "{:d}", "n_observations"),
    ("only here", "{:d}", "n_alone"), ("completeness so far %", "{:.1f}", "completeness"),
)  # fmt: skip
WORDS = (
    "CC: of its intensities with those of all others. \u0394CC\u00bd: CC\u00bd of the whole with it, less that "
    "without it. Only here: unique reflections that no other data set has."
)


def in_words(rows: Sequence[DataSetRow]) -> str:
    """How many data sets are in the result, and what they are together."""
    inside = [row for row in rows if not row.why_aside]
    sweeps = one_a_sweep(inside)
    degrees = sum(row.rotation for row in sweeps)
    images = counted(sum(row.n_images for row in sweeps), "image")
    return f"{len(inside)} of {counted(len(rows), 'data set')} put together: {images}, {degrees:.0f} degrees in all"


def sentences(rows: Sequence[DataSetRow]) -> list[str]:
    """A sentence on each data set: what it added, or why it was set aside."""
    return [_sentence(row, " of its wavelength" if _are_several(rows) else "") for row in rows]


def _are_several(rows: Sequence[DataSetRow]) -> bool:
    """Wavelengths, which are merged apart."""
    return len(alike([row.wavelength for row in rows if row.wavelength > 0])) > 1


def _sentence(row: DataSetRow, which: str) -> str:
    if row.why_aside:
        return f"{row.name}: set aside, for {row.why_aside}"
    parts = [f"{row.n_observations} observations"]
    if row.rmsd is not None:
        parts.append(f"RMSD {_rmsd(row)} over {row.n_refined} spots")
    if row.cc is not None:
        parts.append(f"CC {row.cc:.3f} with the others")
    if row.completeness is not None:
        parts.append(f"{row.completeness:.1f}% complete with those{which} above")
    if row.n_alone:
        parts.append(f"{counted(row.n_alone, 'reflection')} that no other{which} has")
    if row.delta_cc_half is not None and row.delta_cc_half < 0:
        parts.append(f"lowers CC1/2 by {-row.delta_cc_half:.4f}")
    return f"{row.name}: " + ", ".join(parts)


def data_sets_table(rows: Sequence[DataSetRow]) -> Table:
    """All data sets, and what each added."""
    if _are_several(rows):
        return _of_several_wavelengths(rows)
    return Table("Data sets", _header(), [_cells(row) for row in rows], WORDS)


def reasons_table(rows: Sequence[DataSetRow]) -> Table | None:
    """Why some were set aside, to stand beneath the figures: beside them it would not fit a page; None without any."""
    aside = [[row.name, row.why_aside] for row in rows if row.why_aside]
    return Table("Set aside", ("", ""), aside) if aside else None


def _of_several_wavelengths(rows: Sequence[DataSetRow]) -> Table:
    """The same with the wavelength of each: only those of one are compared and add up."""
    header = _header()
    cells = [[*_cells(row)[:2], text(row.wavelength or None, "{:.4f}"), *_cells(row)[2:]] for row in rows]
    words = f"{WORDS} Only here, and completeness: of those of the same wavelength."
    return Table("Data sets", (*header[:2], "wavelength \u00c5", *header[2:]), cells, words)


def _header() -> tuple[str, ...]:
    return ("data set", "", *(heading for heading, *_ in COLUMNS))


def _rmsd(row: DataSetRow) -> str:
    if row.rmsd is None:
        return ""
    x, y, z = row.rmsd
    return f"{x:.2f} {y:.2f} px, {z:.2f} images"


def _cells(row: DataSetRow) -> list[str]:
    fate = "set aside" if row.why_aside else "kept"
    return [row.name, fate, *(text(getattr(row, name), form) for _, form, name in COLUMNS)]


def as_facts(rows: Sequence[DataSetRow]) -> list[dict[str, Any]]:
    """For programs."""
    return [{name: getattr(row, name) for name in row.__slots__} for row in rows]
