"""combined.html: cells, settings and agreement of several data sets."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import dendrogram

from autoproc.reports import tables
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.reports.page import Figure, Section, render
from autoproc.reports.table import Table, text
from autoproc.stages.combine import CombineResult, DataSetFacts
from autoproc.symmetry.reindex import format_basis

MOST_POINTS = 1500
"""Copies of data sets that are drawn."""


def combine_page(result: CombineResult) -> str:
    """The page as text; the same results give the same bytes."""
    sections = [_cells(result), _settings(result), _symmetry(result)]
    return render(
        "files.html", title=f"{result.n_kept} of {len(result.data_sets)} data sets combined",
        sections=[s for s in sections if s.figures or s.tables],
    )  # fmt: skip


def _cells(result: CombineResult) -> Section:
    if not len(result.cells.joined):
        return Section("Cells")
    drawn = dendrogram(result.cells.joined, no_plot=True, color_threshold=0)
    x = np.concatenate([[*branch, np.nan] for branch in drawn["icoord"]])
    y = np.concatenate([[*branch, np.nan] for branch in drawn["dcoord"]])
    leaves = ", ".join(result.data_sets[result.clustered[n]].name for n in drawn["leaves"])
    chart = Chart(
        [ChartSeries((x - 5) / 10, 100 * y)],
        "place in the tree",
        "difference between lattices, %",
        y_limits=(0.0, None),
    )
    words = f"Data sets that join low have nearly the same lattice. From left to right: {leaves}."
    return Section("Cells", [Figure("Tree of the cells", words, draw(chart))])


def _settings(result: CombineResult) -> Section:
    figures = []
    settings = result.comparable.settings
    if settings is not None:
        y, moved = settings.coordinates.y, settings.coordinates.moved
        copies = y[:, moved].reshape(-1, y.shape[1])
        copies = copies[:: max(1, -(-len(copies) // MOST_POINTS))]
        if copies.shape[1] > 1:
            _, _, axes = np.linalg.svd(copies - copies.mean(axis=0), full_matrices=False)
            flat = (copies - copies.mean(axis=0)) @ axes[:2].T
            chart = Chart([ChartSeries(flat[:, 0], flat[:, 1], kind="points")], "first coordinate", "second coordinate")
            words = (
                "Copies of the data sets, turned by each rotation of the lattice: those that lie together agree. "
                f"The two widest of {copies.shape[1]} dimensions."
            )
            figures.append(Figure("Coordinates", words, draw(chart)))
        figures.append(_agreement(result))
    return Section("Settings", figures, [_data_sets(result.data_sets)])


def _agreement(result: CombineResult) -> Figure:
    found = [f for f in result.data_sets if f.placed is not None]
    x = np.array([f.number for f in found], float)
    best = np.array([f.placed.cc for f in found if f.placed])
    other = np.array([f.placed.next_best for f in found if f.placed])
    kept = np.array([f.is_kept for f in found], bool)
    series = [
        ChartSeries(x[kept], best[kept], "kept", "points"),
        ChartSeries(x[~kept], best[~kept], "set aside", "points", 1),
        ChartSeries(x, other, "next best setting", "points", 2),
    ]
    chart = Chart([s for s in series if len(s.x)], "data set", "CC with the others", marks=[Mark(0.0)])
    words = "Correlation of each data set's E\u00b2 with the merged others, in its setting and in the best other one."
    return Figure("Agreement with the others", words, draw(chart))


def _data_sets(facts: tuple[DataSetFacts, ...]) -> Table:
    header = (
        "Data set", "number", "Reflections", "Cell off by %", "CC", "next best", "sigmas",
        "change of basis, or why aside",
    )  # fmt: skip
    return Table("Data sets", header, [_row(one) for one in facts])


def _row(one: DataSetFacts) -> list[str]:
    of = one.placed
    fate = one.why_aside or ("" if one.change_of_basis is None else format_basis(one.change_of_basis))
    found = ["", "", ""]
    if of is not None:
        found = [text(of.cc, "{:.3f}"), text(of.next_best, "{:.3f}"), text(of.margin, "{:.1f}")]
    return [one.name, str(one.number), str(one.n_reflections), text(100 * one.cell_difference, "{:.2f}"), *found, fate]


def _symmetry(result: CombineResult) -> Section:
    found = [tables.laue_groups(result.symmetry), tables.symmetry_elements(result.symmetry)]
    return Section("Symmetry", [], [*found, tables.space_groups(result.symmetry)])
