"""Of a group of several wavelengths: whose figures the headline has, those of each, and which file holds which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.merging.tables import figure_of, notes
from autoproc.models.data_sets import DataSetRow
from autoproc.models.wavelengths import OneWavelength, of_wavelength
from autoproc.reports.table import NOTHING, Table
from autoproc.stages.pipeline import Processing
from autoproc.wording import Form, angstrom

MERGED = Path("merged.mtz")
FIGURES: tuple[tuple[str, str, Form], ...] = (
    ("d min", "d_min", angstrom), ("compl %", "completeness", "{:.1f}"), ("mult", "multiplicity", "{:.1f}"),
    ("I/\u03c3", "i_over_sigma", "{:z.1f}"), ("Rmeas", "r_meas", "{:.3f}"), ("CC\u00bd", "cc_half", "{:.3f}"),
    ("anom compl %", "anomalous_completeness", "{:.1f}"), ("CCano", "cc_anom", "{:.3f}"),
    ("observations", "n_observations", "{:d}"), ("unique", "n_unique", "{:d}"),
)  # fmt: skip
"""Columns: heading, field of ShellStatistics, how it is written."""
IN_FACTS = ("d_min", "completeness", "multiplicity", "i_over_sigma", "r_merge", "r_meas", "r_pim", "cc_half",
            "anomalous_completeness", "cc_anom", "cc_anom_significant", "n_observations", "n_unique")  # fmt: skip


def main_wavelength(p: Processing) -> OneWavelength | None:
    """That whose data are merged.mtz; None where there is but one wavelength."""
    return next((one for one in p.by_wavelength if one.merged is p.merged), None)


def merged_statistics(p: Processing) -> MergingStatistics:
    """Of the observations in merged.mtz; of data that are scaled."""
    assert p.scaled is not None
    main = main_wavelength(p)
    return p.scaled.statistics if main is None else main.statistics


def merged_data_sets(p: Processing) -> list[DataSetRow]:
    """The data sets of a group whose observations are in merged.mtz."""
    main = main_wavelength(p)
    return [row for row in p.data_sets if not row.why_aside and (main is None or row.name in main.names)]


def as_facts(p: Processing) -> list[dict[str, Any]]:
    """Of each wavelength, for programs; none where there is but one."""
    main = main_wavelength(p)
    return [
        {
            "wavelength": round(one.wavelength, 6), "files": _files(one, main), "data_sets": list(one.names),
            **{kind: _figures(shell) for kind, shell in _shells(one.statistics)},
        }
        for one in p.by_wavelength
    ]  # fmt: skip


def sentences(p: Processing) -> list[str]:
    """A sentence on each wavelength: its files, its figures, of what sweeps it is."""
    main = main_wavelength(p)
    return [_sentence(one, main) for one in p.by_wavelength]


def wavelengths_table(p: Processing) -> Table:
    """Figures of each wavelength."""
    main = main_wavelength(p)
    rows = []
    for one in p.by_wavelength:
        figures = [figure_of(one.statistics.overall, field, form, NOTHING) for _, field, form in FIGURES]
        rows.append([f"{one.wavelength:.4f} \u00c5", *figures, _files(one, main)[0]])
    words = (
        "Scaled together, merged apart. The statistics on this page are of the marked one, whose data are merged.mtz "
        "(and under the name of its wavelength too)."
    )
    words = " ".join((words, *notes([one.statistics.overall for one in p.by_wavelength])))
    header = ("wavelength", *(heading for heading, *_ in FIGURES), "file")
    strong = next((n for n, one in enumerate(p.by_wavelength) if one is main), None)
    return Table("Wavelengths", header, rows, words, strong)


def _files(one: OneWavelength, main: OneWavelength | None) -> list[str]:
    own = of_wavelength(MERGED, one.wavelength).name
    return [MERGED.name, own] if one is main else [own]


def _shells(statistics: MergingStatistics) -> Sequence[tuple[str, ShellStatistics]]:
    return (("overall", statistics.overall), ("inner", statistics.inner), ("outer", statistics.outer))


def _figures(shell: ShellStatistics) -> dict[str, Any]:
    return {field: getattr(shell, field) for field in IN_FACTS}


def _sentence(one: OneWavelength, main: OneWavelength | None) -> str:
    overall = one.statistics.overall
    figures = [f"{angstrom(overall.d_min)} A", f"{overall.completeness:.1f}% complete"]
    anomalous = overall.cc_anom if overall.cc_anom_significant else None
    figures += [f"multiplicity {overall.multiplicity:.1f}"]
    for name, value in (("Rmeas", overall.r_meas), ("CC1/2", overall.cc_half), ("CCanom", anomalous)):
        figures += [] if value is None else [f"{name} {value:.3f}"]
    files = " and ".join(_files(one, main))
    return f"{one.wavelength:.4f} A ({', '.join(one.names)}): {', '.join(figures)}; {files}"
