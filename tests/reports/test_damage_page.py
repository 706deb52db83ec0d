from __future__ import annotations

import numpy as np
import pytest
from damaged_for_tests import analysed

from autoproc.damage.text import sentences
from autoproc.reports.damage_page import damage_page, damage_section


def test_every_curve_is_drawn():
    section = damage_section(analysed())
    assert [f.title for f in section.figures][:3] == ["Rd", "Rcp", "Scp"]
    assert all("no data" not in figure.svg and "nan" not in figure.svg for figure in section.figures)


def test_the_page_says_it_in_words_and_is_always_the_same():
    result = analysed(change=0.3)
    page = damage_page("x <y>", result)
    assert sentences(result)[0].partition(",")[0][1:] in page
    assert "x &lt;y&gt;" in page
    assert page == damage_page("x <y>", analysed(change=0.3))


def test_data_without_pairs_have_a_page():
    result = analysed()
    for curve in (result.pairs.rcp, result.pairs.rd, result.pairs.rcp_shells, result.decay.b):
        curve[:] = np.nan
    assert "no data" in damage_page("x", result)


def figure(result, title):
    return next(f for f in damage_section(result).figures if f.title == title)


def test_each_figure_says_what_it_comes_to():
    result = analysed(change=0.3)
    intensities, *decay = sentences(result)
    assert figure(result, "Rd").words.startswith(f"I{intensities[1:]}.")
    words = figure(result, "Decay against dose").words
    assert decay
    assert all(sentence[1:].replace("A^2", "\u00c5\u00b2") in words for sentence in decay)


@pytest.mark.parametrize("title", ["Rcp", "Rd"])
def test_r_of_a_few_pairs_does_not_set_the_axis(title):
    result = analysed()
    pairs = result.pairs
    usual = float(np.nanmedian(pairs.rcp))
    pairs.rcp[:3], pairs.scp[:3], pairs.rcp[3:], pairs.scp[3:] = 50 * usual, np.nan, usual, 1.0
    pairs.rd[-3:], pairs.n_pairs[-3:] = 50 * usual, 1
    drawn = figure(result, title).svg.chart.series[0].y
    assert np.nanmax(drawn) < 10 * usual
    assert np.isfinite(drawn).sum() > 5


def test_few_pairs_are_drawn_where_there_are_no_more():
    result = analysed()
    result.pairs.scp[:], result.pairs.scp_shells[:], result.pairs.n_pairs[:] = np.nan, np.nan, 1
    assert np.isfinite(figure(result, "Rcp").svg.chart.series[0].y).any()
    assert np.isfinite(figure(result, "Rd").svg.chart.series[0].y).any()
