from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from autoproc.reports.chart import Chart, Mark, Series, draw


def line(y, **kinds) -> Series:
    return Series(np.arange(float(len(y))), np.asarray(y, float), **kinds)


def test_every_kind_is_well_formed_and_has_only_finite_numbers():
    y = [1.0, 2.0, np.nan, 4.0, 3.0]
    series = [line(y, kind=kind, label=kind, colour=n) for n, kind in enumerate(("line", "points", "both", "area"))]
    series.append(line(y, kind="band", y2=np.zeros(5)))
    text = draw(Chart(series, "x", "y <&>", marks=[Mark(2.0, "two"), Mark(3.0, "three", "x")]))
    ElementTree.fromstring(text)
    assert "nan" not in text
    assert "inf" not in text.replace("infinity", "")


def test_a_line_breaks_where_a_value_is_missing():
    whole, broken = (draw(Chart([line(y)], "x", "y")) for y in ([1, 2, 3, 4, 5], [1, 2, np.nan, 4, 5]))

    def starts(text: str) -> int:
        return re.search(r'class="line c0" d="([^"]*)"', text)[1].count("M")

    assert (starts(whole), starts(broken)) == (1, 2)


def test_without_data_it_says_so():
    for series in ([], [line([np.nan, np.nan])], [line([])]):
        assert "no data" in draw(Chart(series, "x", "y"))


def test_one_value_alone_is_drawn():
    text = draw(Chart([Series(np.array([3.0]), np.array([7.0]), kind="both")], "x", "y"))
    assert "<circle" in text
    ElementTree.fromstring(draw(Chart([Series(np.array([0.25]), np.array([0.0]))], "d", "y", resolution=True)))


def test_larger_values_are_higher_up():
    text = draw(Chart([line([1.0, 5.0], kind="points")], "x", "y"))
    low, high = (float(y) for y in re.findall(r'cy="([\d.]+)"', text))
    assert high < low


def test_points_say_their_resolution():
    text = draw(Chart([Series(np.array([0.25]), np.array([0.5]), kind="points")], "d", "y", resolution=True))
    assert "<title>2.00 \u00c5: 0.5</title>" in text


def test_values_beyond_fixed_limits_stay_on_the_chart():
    text = draw(Chart([line([0.0, 100.0], kind="points")], "x", "y", (0.0, 2.0)))
    assert all(20 <= float(y) <= 290 for y in re.findall(r'cy="([-\d.]+)"', text))


def test_text_is_escaped():
    assert "<script>" not in draw(Chart([line([1, 2], label="<script>")], "<script>", "y"))
