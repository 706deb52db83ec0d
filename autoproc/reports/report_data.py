"""plots.json: what report.html shows, as facts, for pages that come alive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autoproc.legible import legible_lines
from autoproc.reports.chart import Drawing, draw
from autoproc.reports.chart_data import chart_facts, chart_of, map_facts, map_of
from autoproc.reports.maps import MapDrawing, draw_map
from autoproc.reports.page import Figure, Section
from autoproc.reports.report_html import Report
from autoproc.reports.sound_drawing import sound_drawing
from autoproc.reports.table import Table

VERSION = 1
"""Of the layout; grows when a program that knows an earlier one would misread it."""


def report_text(report: Report) -> str:
    """The report as JSON; the same results give the same bytes."""
    facts = {
        "version": VERSION,
        "images": report.images,
        "collected": [list(row) for row in report.collected],
        "journal": [list(row) for row in report.journal],
        "table_one": None if report.table_one is None else _table_facts(report.table_one),
        "sections": [_section_facts(section) for section in report.sections],
    }
    return json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def report_in(text: str) -> Report:
    """The report of such text. Raises KeyError, TypeError or ValueError for what is none, or of another version."""
    facts = json.loads(text)
    if facts["version"] != VERSION:
        raise ValueError(f"version {facts['version']}")
    table_one = facts["table_one"]
    return Report(
        facts["images"],
        [(str(a), str(b), str(c)) for a, b, c in facts["journal"]],
        None if table_one is None else _table_of(table_one),
        [_section_of(section) for section in facts["sections"]],
        [(str(a), str(b)) for a, b in facts["collected"]],
    )


def _section_facts(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "figures": [_figure_facts(figure) for figure in section.figures],
        "tables": [_table_facts(table) for table in section.tables],
    }


def _section_of(facts: Mapping[str, Any]) -> Section:
    figures = [_figure_of(figure) for figure in facts["figures"]]
    return Section(str(facts["title"]), figures, [_table_of(table) for table in facts["tables"]])


def _figure_facts(figure: Figure) -> dict[str, Any]:
    """A figure: its chart, its map, or the drawing of what is neither."""
    facts: dict[str, Any] = {"title": figure.title, "words": figure.words, "view": figure.view}
    if isinstance(figure.svg, Drawing):
        return facts | {"chart": chart_facts(figure.svg.chart)}
    if isinstance(figure.svg, MapDrawing):
        return facts | {"map": map_facts(figure.svg.map)}
    return facts | {"svg": figure.svg}


def _figure_of(facts: Mapping[str, Any]) -> Figure:
    return Figure(str(facts["title"]), str(facts["words"]), _drawing_of(facts), str(facts.get("view", "")))


def _drawing_of(facts: Mapping[str, Any]) -> str:
    if "chart" in facts:
        return draw(chart_of(facts["chart"]))
    return draw_map(map_of(facts["map"])) if "map" in facts else sound_drawing(str(facts["svg"]))


def _table_facts(table: Table) -> dict[str, Any]:
    return {
        "title": table.title, "header": list(table.header), "rows": [list(row) for row in table.rows],
        "words": legible_lines(table.words), "strong": table.strong, "views": list(table.views),
    }  # fmt: skip


def _table_of(facts: Mapping[str, Any]) -> Table:
    rows = [[str(cell) for cell in row] for row in facts["rows"]]
    views = [str(view) for view in facts.get("views", ())]
    return Table(
        str(facts["title"]), [str(c) for c in facts["header"]], rows, str(facts["words"]), facts["strong"], views
    )
