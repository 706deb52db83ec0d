"""plots.json holds what report.html shows, and gives the same page again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from processed import processed_sweep

from autoproc.models.experiment import Experiment
from autoproc.reports.chart import Chart, ChartSeries, Drawing, Mark, draw
from autoproc.reports.chart_data import chart_facts, chart_of, map_facts, map_of
from autoproc.reports.citations import citations
from autoproc.reports.collected import collected
from autoproc.reports.maps import CellMap, MapDrawing, draw_map
from autoproc.reports.report_data import report_in, report_text
from autoproc.reports.report_html import report_of, report_page
from autoproc.reports.summary import summarise


@pytest.fixture(scope="module")
def processing(tmp_path_factory):
    return processed_sweep(tmp_path_factory)


def test_the_page_is_the_same_from_the_numbers(processing):
    summary = summarise("demo", processing, None)
    report = report_of(summary, processing)
    again = report_in(report_text(report))
    assert len(report_text(report)) < 200_000
    assert [s.title for s in again.sections] == [s.title for s in report.sections]
    page, other = report_page(summary, report), report_page(summary, again)
    assert len(page) == pytest.approx(len(other), rel=1e-3)  # points move by less than they are wide
    assert page.count("<circle") == other.count("<circle")


def test_charts_are_numbers_and_maps_are_drawings(processing):
    report = report_in(report_text(report_of(summarise("demo", processing, None), processing)))
    kinds = {f.title: isinstance(f.svg, Drawing) for s in report.sections for f in s.figures}
    assert kinds["Scale against image"]
    assert not kinds["Shadows and hot pixels"]


@given(
    y=arrays(float, st.integers(0, 20), elements=st.floats(width=64)),
    kind=st.sampled_from(["line", "points", "both", "area"]),
    label=st.text(st.characters(codec="utf-8")),
)
def test_a_chart_comes_back(y, kind, label):
    chart = Chart([ChartSeries(np.arange(len(y)), y, label, kind, 2)], "x", "y", (0.0, None), [Mark(1.0, label, "x")])
    facts = json.loads(json.dumps(chart_facts(chart), allow_nan=False))
    again = chart_of(facts)
    assert chart_facts(again) == facts
    finite = np.isfinite(y)
    np.testing.assert_allclose(again.series[0].y[finite], y[finite], rtol=1e-5)
    assert np.isnan(again.series[0].y[~finite]).all()


def test_a_drawing_knows_its_chart():
    chart = Chart((), "x", "y")
    assert draw(chart).chart is chart


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"version": 0}', '{"version": 1}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises((ValueError, KeyError, TypeError)):
        report_in(text)


def test_how_images_were_collected_is_told(processing):
    experiment: Experiment = processing.experiment
    told = dict(collected(experiment))
    assert told["wavelength"].startswith(f"{experiment.beam.wavelength:.5f}")
    assert told["images"].startswith("30")
    assert "collected" not in told or "19" not in told["collected"][:2]  # a clock that was never set


def test_methods_that_were_used_are_cited_and_no_others(processing):
    summary = summarise("demo", processing, None)
    whole = {c.what for c in citations(summary, {})}
    assert {"processing", "indexing", "scaling", "amplitudes"} <= whole
    only = citations(summary | {"timings": {"index": 1.0}}, {"index": {"method": "fft1d"}})
    assert [c.what for c in only] == ["processing", "indexing"]
    assert "Steller" in only[1].reference


def test_what_leads_to_the_image_viewer_comes_back(processing):
    report = report_of(summarise("demo", processing, None), processing)
    again = report_in(report_text(report))
    for old, new in zip(report.sections, again.sections, strict=True):
        assert [t.views for t in new.tables] == [list(t.views) for t in old.tables]
        assert [f.view for f in new.figures] == [f.view for f in old.figures]
    maps, before = ([f for s in one.sections for f in s.figures if isinstance(f.svg, MapDrawing)]
                    for one in (again, report))  # fmt: skip
    assert len(maps) == len(processing.refined.experiments)
    for number, (drawn, made) in enumerate(zip(maps, before, strict=True)):
        np.testing.assert_allclose(drawn.svg.map.values, made.svg.map.values, rtol=1e-5)
        linked = drawn.leading_to("/x")
        assert linked.count('<a class="cell"') == np.isfinite(made.svg.map.values).sum() > 10
        assert linked.count(f"lattice={number}&") == linked.count('<a class="cell"')
        assert "<a" not in drawn.drawing


@pytest.mark.parametrize("change", [{"values": []}, {"values": [[1.0], [1.0, 2.0]]}, {"size": [0, 1]}, {"size": [1]}])
def test_a_map_that_is_none_is_refused(change):
    facts = map_facts(CellMap(np.eye(2), (10, 10), "x"))
    assert map_of(facts).size == (10, 10)
    with pytest.raises((ValueError, TypeError, KeyError)):
        map_of(facts | change)


def test_a_report_of_before_has_no_links_and_is_read(processing):
    text = report_text(report_of(summarise("demo", processing, None), processing))
    facts = json.loads(text)
    for section in facts["sections"]:
        for one in [*section["tables"], *section["figures"]]:
            one.pop("views", None), one.pop("view", None)
            if "map" in one:
                one["svg"] = str(draw_map(map_of(one.pop("map"))))
    again = report_in(json.dumps(facts))
    assert all(not t.views for s in again.sections for t in s.tables)
