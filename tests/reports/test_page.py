"""Pages: what strangers called their files does no harm in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoproc.reports.page import Figure, Section, render
from autoproc.reports.table import Table

NASTY = "<script>alert(1)</script>\x1b[31m"


def page(section: Section, title: str = "t") -> str:
    return render("files.html", title=title, sections=[section])


@pytest.mark.parametrize(
    "section",
    [
        Section(NASTY),
        Section("s", [Figure(NASTY, NASTY, "<svg></svg>")]),
        Section("s", [], [Table(NASTY, (NASTY,), [(NASTY,)], NASTY)]),
    ],
)
def test_names_are_escaped_wherever_they_stand(section):
    text = page(section, NASTY)
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_a_drawing_is_not_escaped():
    assert "<svg><path/></svg>" in page(Section("s", [Figure("f", "", "<svg><path/></svg>")]))


def test_a_path_is_legible_too():
    assert "\x1b" not in render("files.html", title=Path("/data/a\x1b[2J"), sections=[])


def test_sections_are_linked_by_their_titles():
    text = page(Section("Spots and lattices", [Figure("f", "", "<svg></svg>")]))
    assert 'href="#spots-and-lattices"' in text
    assert 'id="spots-and-lattices"' in text


def test_the_row_to_point_out_is_the_only_one():
    text = page(Section("s", [], [Table("t", ("a",), [("1",), ("2",), ("3",)], "", 1)]))
    assert text.count('class="strong"') == 1
    assert '<tr class="strong"><td>2</td>' in text


def test_a_table_without_a_header_has_none():
    assert "<thead>" not in page(Section("s", [], [Table("t", ("", ""), [("a", "b")])]))
    assert "<thead>" in page(Section("s", [], [Table("t", ("", "x"), [("a", "b")])]))


def test_pages_are_made_for_phones():
    text = page(Section("s"))
    assert 'content="width=device-width, initial-scale=1"' in text
    style = text.partition("@media (max-width: 640px)")[2]
    assert "figure svg { min-width: 0; }" in style
    assert ".scroll { overflow-x: auto; max-width: 100%; }" in text
