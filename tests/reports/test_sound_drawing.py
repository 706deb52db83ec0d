"""Drawings from files are taken as they are drawn here; anything else that a page would be given is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autoproc.models.experiment import Panel
from autoproc.reports.maps import untrusted_map
from autoproc.reports.report_data import report_in
from autoproc.reports.sound_drawing import sound_drawing


def drawn() -> str:
    shadow = np.zeros((50, 40), bool)
    shadow[10:20, 5:9] = True
    panel = Panel(np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.zeros(3), (0.1, 0.1), (40, 50), mask=((1, 2, 3, 4),))
    return untrusted_map(shadow, shadow & (np.arange(40) == 6), panel)


def test_a_drawing_of_ours_is_taken_as_it_is():
    assert sound_drawing(drawn()) == drawn()


@pytest.mark.parametrize(
    "text",
    [
        "", "words", "<p>words</p>", "<svg><a href='/x'>x</a></svg>", "<svg onload='x()'></svg>",
        "<svg><script>x()</script></svg>", "<svg></svg><form action='/x'>", "<svg><path d='M0 0' style='x'/></svg>",
        "<svg><foreignObject/></svg>", "<svg><image/></svg>", "<svg><rect fill='url(http://x/)'/></svg>",
        "<svg><title><meta/></title></svg>", '<!DOCTYPE x [<!ENTITY a "b">]><svg>&a;</svg>',
        "<svg xmlns='http://www.w3.org/2000/svg'/>", "<g/>", "<svg>&nbsp;</svg>",
    ],
)  # fmt: skip
def test_what_is_more_than_a_drawing_is_refused(text):
    with pytest.raises(ValueError, match="drawing"):
        sound_drawing(text)


@pytest.mark.parametrize(("svg", "is_taken"), [(drawn(), True), (f"<b>{drawn()}", False)])
def test_a_report_from_a_file_has_drawings_alone(svg, is_taken):
    figure = {"title": "Shadow", "words": "", "svg": svg}
    facts = {
        "version": 1, "images": None, "collected": [], "journal": [], "table_one": None,
        "sections": [{"title": "Masks", "figures": [figure], "tables": []}],
    }  # fmt: skip
    if is_taken:
        assert report_in(json.dumps(facts)).sections[0].figures[0].drawing == svg
    else:
        with pytest.raises(ValueError, match="no drawing"):
            report_in(json.dumps(facts))
