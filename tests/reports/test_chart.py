from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from autoproc.reports.chart import Chart, ChartSeries, Mark, draw


def line(y, **kinds) -> ChartSeries:
    return ChartSeries(np.arange(float(len(y))), np.asarray(y, float), **kinds)


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
    text = draw(Chart([ChartSeries(np.array([3.0]), np.array([7.0]), kind="both")], "x", "y"))
    assert "<circle" in text
    ElementTree.fromstring(draw(Chart([ChartSeries(np.array([0.25]), np.array([0.0]))], "d", "y", resolution=True)))


def test_larger_values_are_higher_up():
    text = draw(Chart([line([1.0, 5.0], kind="points")], "x", "y"))
    low, high = (float(y) for y in re.findall(r'cy="([\d.]+)"', text))
    assert high < low


def test_points_say_their_resolution():
    text = draw(Chart([ChartSeries(np.array([0.25]), np.array([0.5]), kind="points")], "d", "y", resolution=True))
    assert "<title>2.00 \u00c5: 0.5</title>" in text


def test_values_beyond_fixed_limits_stay_on_the_chart():
    text = draw(Chart([line([0.0, 100.0], kind="points")], "x", "y", (0.0, 2.0)))
    assert all(20 <= float(y) <= 290 for y in re.findall(r'cy="([-\d.]+)"', text))


def test_text_is_escaped():
    assert "<script>" not in draw(Chart([line([1, 2], label="<script>")], "<script>", "y"))


def labels(text: str, kind: str) -> list[str]:
    return re.findall(rf'class="{kind}"[^>]*>([^<]*)<', text)


def test_entries_of_the_legend_stand_beside_one_another_in_order():
    text = draw(Chart([line([1, 2], label="a long label"), line([2, 3], label="b"), line([2, 3])], "x", "y"))
    assert labels(text, "entry") == ["a long label", "b"]
    first, second = (float(x) for x in re.findall(r'class="entry" x="([\d.]+)"', text))
    assert second - first > 6 * len("a long label")


def test_a_mark_beyond_the_axes_is_left_out():
    for mark, is_drawn in ((Mark(2.0, "m"), True), (Mark(9.0, "m"), False), (Mark(0.5, "m", "x"), True),
                           (Mark(-3.0, "m", "x"), False)):  # fmt: skip
        text = draw(Chart([line([1.0, 3.0])], "x", "y", marks=[mark]))
        assert ('class="mark"' in text) == is_drawn


def test_a_mark_far_to_the_right_has_its_word_on_its_left():
    def side(value):
        text = draw(Chart([line(np.arange(11.0))], "x", "y", marks=[Mark(value, "here", "x")]))
        return re.search(r'class="note (\w+)"', text)[1]

    assert (side(9.0), side(1.0)) == ("end", "start")


def test_the_limits_asked_for_are_those_of_the_axis():
    ticks = [float(t) for t in labels(draw(Chart([line([3.0, 4.0])], "x", "y", (0.0, 10.0))), "tick y")]
    assert (ticks[0], ticks[-1]) == (0, 10)


def test_resolution_falls_from_left_to_right():
    s2 = np.linspace(0.01, 0.4, 20)
    text = draw(Chart([ChartSeries(s2, s2)], "d", "y", resolution=True))
    shown = [float(t) for t in labels(text, "tick")]
    assert shown == sorted(shown, reverse=True)
    assert all(0.4**-0.5 <= d <= 10 for d in shown)


def test_an_area_goes_down_to_zero_and_a_band_to_its_other_edge():
    area = draw(Chart([line([5.0, 5.0], kind="area")], "x", "y", (0.0, 10.0)))
    band = draw(Chart([line([5.0, 5.0], kind="band", y2=np.array([4.0, 4.0]))], "x", "y", (0.0, 10.0)))

    def lowest(text):
        path = re.search(r'class="fill c0" d="([^"]*)"', text)[1]
        return max(float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path))

    assert lowest(area) > lowest(band)


def test_the_drawing_has_a_name_for_those_who_cannot_see_it():
    assert 'role="img" aria-label="spots against image number"' in draw(Chart([line([1, 2])], "image number", "spots"))


def test_a_legend_wider_than_the_chart_goes_on_in_the_next_line():
    name = "a long name of a curve"
    text = draw(Chart([line([1, 2], label=name) for _ in range(5)], "x", "y"))
    left, top, width, _ = (float(v) for v in re.search(r'viewBox="([^"]*)"', text)[1].split())
    x, y = (np.array(re.findall(rf'class="entry"[^>]* {axis}="([-\d.]+)"', text), float) for axis in "xy")
    assert len(x) == 5
    assert (x > left).all()
    assert (x < width - 7 * len(name) + 1).all()
    assert np.unique(y).tolist() == sorted(set(y.tolist()), key=y.tolist().index)
    assert len(np.unique(y)) == 3
    assert top < y.min() < y.max() < 26


def test_of_very_many_curves_the_legend_tells_the_number():
    text = draw(Chart([line([1, 2], label="a long name of a curve") for _ in range(40)], "x", "y"))
    entries = labels(text, "entry")
    assert entries[-1] == f"and {40 - len(entries) + 1} more"
    assert len(entries) == 9
    y = [float(v) for v in re.findall(r'class="entry"[^>]* y="([-\d.]+)"', text)]
    assert max(y[:-1]) < y[-1] < 26
