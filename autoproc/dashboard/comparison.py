"""Results side by side: the same figure of each in a row, and the same curve of each in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoproc.dashboard.best_figure import Better, Depends, are_alike, best_of
from autoproc.dashboard.told import ToldResults
from autoproc.overrides import value_in_words
from autoproc.reports.chart import Chart, ChartSeries, Drawing, draw
from autoproc.reports.in_group import is_left_out
from autoproc.reports.page import Figure, Section
from autoproc.reports.report_html import Report
from autoproc.reports.visit_index import Lamp, judged
from autoproc.wording import Form, angstrom, written

MOST = 6
"""Results compared at a time: as many as there are colours of curves."""
NOTHING = "\u2013"


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the results.

    key : how an address names it, label : how the page does
    standing : in its group, as reports/in_group.py has it; empty without one
    """

    key: str
    label: str
    told: ToldResults
    standing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def judged(self) -> tuple[Lamp, str]:
        """Its light and what that means in words, as lists of sweeps have them."""
        summary = self.told.summary
        own = (summary.get("quality") or {}).get("verdict")
        return judged(str(summary.get("status") or ""), str(self.standing.get("verdict") or own or ""))


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of one of the results.

    differs : it is another than that of the first; is_best : of all that differ; lamp : its light, "" for none
    """

    text: str
    differs: bool = False
    is_best: bool = False
    lamp: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class _Figure:
    """Where in a summary a figure is, how it is written, which value is the better one, and where that may be said."""

    label: str
    path: tuple[str, ...]
    form: Form
    better: Better | None = None
    depends: Depends = Depends.NOTHING


def _ranges(
    label: str, key: str, form: Form, better: Better | None, depends: Depends = Depends.AMOUNT_AND_LIMIT
) -> tuple[_Figure, ...]:
    statistics = "merging_statistics"
    return (
        _Figure(label, (statistics, "overall", key), form, better, depends),
        _Figure(f"{label} at low resolution", (statistics, "inner", key), form, better, depends),
        _Figure(f"{label} at high resolution", (statistics, "outer", key), form, better, depends),
    )


FIGURES = (
    _Figure("resolution (\u00c5)", ("d_min",), angstrom, min, Depends.AMOUNT),
    *_ranges("completeness (%)", "completeness", "{:.1f}", max, Depends.NOTHING),
    *_ranges("multiplicity", "multiplicity", "{:.1f}", max, Depends.NOTHING),
    *_ranges("I/\u03c3", "i_over_sigma", "{:.1f}", max), *_ranges("Rmeas", "r_meas", "{:.3f}", min),
    *_ranges("Rpim", "r_pim", "{:.3f}", min), *_ranges("CC\u00bd", "cc_half", "{:.3f}", max),
    *_ranges("anomalous CC", "cc_anom", "{:.3f}", max),
    _Figure("ISa", ("isa",), "{:.1f}", max, Depends.AMOUNT),
    _Figure("Wilson B (\u00c5\u00b2)", ("wilson_b",), "{:.1f}"),
    _Figure("observations", ("merging_statistics", "overall", "n_observations"), "{:d}"),
    _Figure("unique reflections", ("merging_statistics", "overall", "n_unique"), "{:d}", max, Depends.AMOUNT),
    _Figure("images used", ("n_images_used",), "{:d}"), _Figure("spots", ("n_spots",), "{:d}"),
    _Figure("spots indexed", ("fraction_indexed",), "{:.1%}", max), _Figure("lattices", ("n_lattices",), "{:d}"),
    _Figure("RMSD x (px)", ("rmsd", "x_px"), "{:.3f}", min), _Figure("RMSD y (px)", ("rmsd", "y_px"), "{:.3f}", min),
    _Figure("RMSD z (images)", ("rmsd", "z_images"), "{:.3f}", min),
)  # fmt: skip
"""In the order of the table."""


def rows_of(compared: Sequence[Compared]) -> list[Row]:
    """The figures that any of the results has."""
    summaries = [one.told.summary for one in compared]
    rows = [
        _lights("verdict", [one.judged for one in compared]),
        _words("in its group", [str(one.standing.get("words") or NOTHING) for one in compared]),
        _words("space group", [s.get("space_group") or NOTHING for s in summaries]),
        _words("unit cell", [_cell(s.get("unit_cell")) for s in summaries]),
        *(_numbers(figure, compared) for figure in FIGURES),
        _words("autoproc", [str(s.get("autoproc_version") or NOTHING) for s in summaries]),
    ]
    return [row for row in rows if any(cell.text != NOTHING for cell in row.cells)]


def parameters_of(compared: Sequence[Compared]) -> list[Row]:
    """The parameters that are not the defaults in any of them."""
    flat = [_flat(one.told.settings) for one in compared]
    names = dict.fromkeys(name for one in flat for name in one)
    return [_words(name, [one.get(name, "default") for one in flat]) for name in names]


def _flat(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {
        f"{table}.{key}": value_in_words(value) for table, values in settings.items() for key, value in values.items()
    }


def compared_charts(compared: Sequence[Compared]) -> Report:
    """The charts that two or more have, with a curve of each."""
    by_title: dict[tuple[str, str], list[tuple[int, Chart]]] = {}
    for number, one in enumerate(compared):
        for section, figure in _figures(one.told.report):
            if isinstance(figure.svg, Drawing):
                by_title.setdefault((section, figure.title), []).append((number, figure.svg.chart))
    figures: dict[str, list[Figure]] = {}
    for (section, title), charts in by_title.items():
        if len(charts) > 1:
            figures.setdefault(section, []).append(_over_each_other(title, charts, compared))
    return Report(None, (), None, [Section(title, found) for title, found in figures.items()])


def _figures(report: Report | None) -> list[tuple[str, Figure]]:
    sections = [] if report is None else report.sections
    return [(section.title, figure) for section in sections for figure in section.figures]


def _over_each_other(title: str, charts: Sequence[tuple[int, Chart]], compared: Sequence[Compared]) -> Figure:
    """The first curve of each chart; said once what it is of where it is of the same in all, else with each."""
    first = charts[0][1]
    kind = first.series[0].kind if first.series else "line"
    curves = {_curve(chart) for _, chart in charts}
    series = [
        ChartSeries(
            chart.series[0].x, chart.series[0].y,
            ": ".join(filter(None, (compared[number].label, _curve(chart) if len(curves) > 1 else ""))),
            "line" if kind == "area" else kind, number,
        )
        for number, chart in charts
        if chart.series
    ]  # fmt: skip
    limits = [[chart.y_limits[end] for _, chart in charts] for end in (0, 1)]
    low = None if None in limits[0] else min(v for v in limits[0] if v is not None)
    high = None if None in limits[1] else max(v for v in limits[1] if v is not None)
    marks = [mark for mark in first.marks if mark.along == "y"]
    chart = Chart(series, first.x_label, first.y_label, (low, high), marks, first.resolution)
    what = curves.pop() if len(curves) == 1 else ""
    return Figure(title, f"{what}, of each." if what else "", draw(chart))


def _curve(chart: Chart) -> str:
    """What the first of several curves is of; "" where there is one, or it is of all."""
    label = chart.series[0].label if len(chart.series) > 1 else ""
    return "" if label == "all" else label


def _words(label: str, texts: Sequence[str]) -> Row:
    return Row(label, tuple(Cell(text, text != texts[0]) for text in texts))


def _lights(label: str, judged_so: Sequence[tuple[Lamp, str]]) -> Row:
    first = judged_so[0][1]
    return Row(label, tuple(Cell(words, words != first, lamp=lamp) for lamp, words in judged_so))


def _numbers(figure: _Figure, compared: Sequence[Compared]) -> Row:
    """Results that their group is made without differ in kind: theirs is never the best, and says nothing of others."""
    values = [_value(one.told.summary, figure.path) for one in compared]
    is_chance = [_is_chance(one.told.summary, figure.path) for one in compared]
    texts = [_written(value, figure.form, chance) for value, chance in zip(values, is_chance, strict=True)]
    is_part = [not is_left_out(one.standing) for one in compared]
    may_win = [part and not chance for part, chance in zip(is_part, is_chance, strict=True)]
    held = [one.told.summary for one, part in zip(compared, is_part, strict=True) if part]
    found = best_of(values, may_win, figure.better, are_alike(held, figure.depends))
    best = None if found is None or len(set(texts)) < 2 else written(found, figure.form)
    return Row(
        figure.label,
        tuple(Cell(text, text != texts[0], may and text == best) for text, may in zip(texts, may_win, strict=True)),
    )


def _written(value: float | None, form: Form, is_chance: bool) -> str:
    """In brackets, as in table 1, where it tells nothing."""
    if value is None:
        return NOTHING
    return f"({written(value, form)})" if is_chance else written(value, form)


def _is_chance(summary: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether it is known of a correlation that chance gives such too."""
    return _found(summary, (*path[:-1], f"{path[-1]}_significant")) is False


def _value(summary: Mapping[str, Any], path: Sequence[str]) -> float | None:
    found = _found(summary, path)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _found(summary: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = summary
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _cell(cell: Sequence[float] | None) -> str:
    return " ".join(f"{value:.2f}" for value in cell) if cell else NOTHING
