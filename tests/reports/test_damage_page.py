from __future__ import annotations

import numpy as np
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
    assert sentences(result)[0].partition(",")[0] in page
    assert "x &lt;y&gt;" in page
    assert page == damage_page("x <y>", analysed(change=0.3))


def test_data_without_pairs_have_a_page():
    result = analysed()
    for curve in (result.pairs.rcp, result.pairs.rd, result.pairs.rcp_shells, result.decay.b):
        curve[:] = np.nan
    assert "no data" in damage_page("x", result)
