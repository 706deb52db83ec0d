"""Folders of results without images or reflections: what pages of results need."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from autoproc.reports.chart import Chart, ChartSeries, Drawing, draw
from autoproc.reports.maps import CellMap, draw_map
from autoproc.reports.page import Figure, Section
from autoproc.reports.report_data import report_text
from autoproc.reports.report_html import Report
from autoproc.reports.summary import Failure, summarise
from autoproc.reports.table import Table
from autoproc.service.results.outputs import Outputs


def curve(y_label: str, *values: float) -> Drawing:
    """A chart by image."""
    image = np.arange(1.0, len(values) + 1)
    return draw(Chart([ChartSeries(image, np.array(values))], "image number", y_label))


def results(
    outputs: Outputs, name: str, run: int, completeness: float, failure: Failure | None = None,
    settings: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """A folder of results, put in its place."""
    folder = outputs.folder(name, run)
    folder.mkdir(parents=True)
    summary = summarise(name, None, failure)
    if failure is None:
        overall = dict.fromkeys(("multiplicity", "i_over_sigma", "r_meas", "r_pim", "cc_half", "cc_anom"), 0.5)
        ranges = {kind: overall | {"completeness": completeness} for kind in ("overall", "inner", "outer")}
        summary |= {"merging_statistics": ranges, "d_min": 1.5, "space_group": "P 1", "timings": {"scale": 1.0}}
        (folder / "merged.mtz").write_text("data")
        (folder / "plots.json").write_text(report_text(report(completeness)))
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "parameters.json").write_text(json.dumps({"run": run, "settings": settings or {}}))
    (folder / "autoproc.log").write_text("first line\nsecond <line>\n")
    outputs.put_in_place(name, run)
    outputs.clean(name, run)


def report(completeness: float) -> Report:
    """A report with two charts by image and one by resolution."""
    by_d = Chart([ChartSeries(np.array([0.04, 0.1, 0.25]), np.array([99.0, 98.0, completeness]), "all", "both")],
                 "resolution (\u00c5)", "completeness (%)", (0.0, 104.0), resolution=True)  # fmt: skip
    figures = [
        Figure("Rmerge against image", "Of <each>.", curve("Rmerge", 0.1, completeness, 0.2)),
        Figure("Scale against image", "", curve("scale factor", 1.0, 1.5, 2.0)),
        Figure("Completeness", "", draw(by_d)),
    ]
    cells = CellMap(np.array([[0.1, np.nan], [0.2, 0.3]]), (100, 80), "RMSD (px)", "stage=refined&order=residual")
    figures += [Figure("RMSD over the detector", "", draw_map(cells)), Figure("Shadows", "", "<svg></svg>", "show=hot")]
    tables = [
        Table("Facts", ("a",), [["<b>b</b>"]]),
        Table("Outliers", ("hkl", "off"), [["1 2 3", "+9.1"]], views=["stage=scaled&row=7&open=equivalents"]),
        Table("Resolution shells", ("d max",), [["5.0"], ["2.0"]], views=["stage=scaled&d=5.1,1.9", ""]),
    ]
    section = Section("Scaling", figures, tables)
    return Report("90", [("Images", "90", "1.0 s")], None, [section], [("wavelength", "1 \u00c5")])
