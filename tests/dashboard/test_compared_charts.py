"""Curves of several results in one chart are called after what they are of."""

from types import SimpleNamespace

import numpy as np

from autoproc.dashboard.comparison import Compared, compared_charts
from autoproc.reports.chart import Chart, ChartSeries, draw
from autoproc.reports.page import Figure, Section
from autoproc.reports.report_html import Report


def with_curves(name, labels):
    series = [ChartSeries(np.arange(3.0), np.arange(3.0), label, "line", n) for n, label in enumerate(labels)]
    report = Report(None, (), None, [Section("Scaling", [Figure("Scale", "", draw(Chart(series, "image", "scale")))])])
    return Compared(name, name, SimpleNamespace(report=report))


def drawn(*compared):
    ((figure,),) = [section.figures for section in compared_charts(compared).sections]
    return figure.words, [series.label for series in figure.svg.chart.series]


def test_curves_of_one_kind_are_said_to_be_so_once():
    words, labels = drawn(with_curves("one", ["x", "y"]), with_curves("other", ["x", "y"]))
    assert (words, labels) == ("x, of each.", ["one", "other"])


def test_the_curve_of_a_group_is_of_one_of_its_sweeps():
    words, labels = drawn(with_curves("combined/xtal", ["xtal_1", "xtal_2"]), with_curves("xtal_1", [""]))
    assert (words, labels) == ("", ["combined/xtal: xtal_1", "xtal_1"])


def test_curves_of_all_need_no_words():
    assert drawn(with_curves("one", ["all", "x"]), with_curves("two", [""])) == ("", ["one", "two"])
