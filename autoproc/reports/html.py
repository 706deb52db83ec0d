"""report.html: one self-contained page for a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from autoproc.merging.tables import ROWS, format_shells
from autoproc.reports import plots
from autoproc.stages.pipeline import Processing

BY_RESOLUTION: tuple[tuple[str, str, tuple[float, float | None]], ...] = (
    ("I/sigma", "i_over_sigma", (0, None)),
    ("Completeness (%)", "completeness", (0, 103)),
    ("Rmeas", "r_meas", (0, 2)),
    ("Multiplicity", "multiplicity", (0, None)),
)


def write_report(path: Path, summary: dict[str, Any], processing: Processing | None) -> None:
    """Draw the plots of the stages that were reached and write the page."""
    environment = Environment(loader=PackageLoader("autoproc.reports"), autoescape=select_autoescape())
    figures = [(title, words, Markup(svg)) for title, words, svg in draw_figures(processing)] if processing else []
    shells = format_shells(processing.scaled.statistics) if processing and processing.scaled else ""
    page = environment.get_template("report.html").render(
        summary=summary, figures=figures, table_one=table_one(processing), shells=shells
    )
    path.write_text(page, encoding="utf-8")


def table_one(processing: Processing | None) -> list[tuple[str, list[str]]]:
    """Rows of table 1: label, and the values overall, low and high."""
    if processing is None or processing.scaled is None:
        return []
    statistics = processing.scaled.statistics
    rows = []
    for label, field, form in ROWS:
        whole = hasattr(statistics, field)
        sources = [statistics] if whole else [statistics.overall, statistics.inner, statistics.outer]
        values = [getattr(source, field) for source in sources]
        rows.append((label, [("" if v is None else form.format(v)) for v in values] + [""] * (3 - len(values))))
    return rows


def draw_figures(p: Processing) -> list[tuple[str, str, str]]:
    """Title, one sentence of explanation and SVG of every plot that the stages reached allow."""
    figures: list[tuple[str, str, str]] = []

    def add(title: str, words: str, drawn: str) -> None:
        figures.append((title, words, drawn))

    if p.found is not None and len(p.found.spots_per_image):
        drawn = plots.spots_per_image(p.found.spots_per_image, p.found.first_image)
        add("Spots per image", "A gap is a blank stretch; a slow fall is damage or a crystal leaving the beam.", drawn)
    if p.refined is not None:
        first = p.refined.experiments[0]
        drawn = plots.rmsd_by_image(p.refined.reflections, p.refined.experiments)
        add("RMSD against image", "How far spots lie from where the model puts them.", drawn)
        add("Cell against image", "Its change over the scan.", plots.cell_by_image(first))
        add("Orientation against image", "Slippage shows as a step.", plots.orientation_by_image(first))
    if p.scaled is None:
        return figures
    statistics = p.scaled.statistics
    if p.resolution is not None:
        drawn = plots.cc_half(p.resolution, statistics.overall.d_min)
        add("CC1/2 against resolution", "The fit sets the resolution limit.", drawn)
    for title, field, limits in BY_RESOLUTION:
        add(f"{title} against resolution", "", plots.by_resolution(statistics, field, title, limits))
    add("Scale and B against image", "What scaling corrected.", plots.scale_by_image(p.scaled.images))
    return figures
