"""The page over all sweeps of a visit."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from autoproc.reports.visit_index import STATES, ListedRow, counts_in_words, sweep_row, visit_index

RESULT = {
    "verdict": "look", "space_group": "P 43 21 2", "unit_cell": [77.641, 77.641, 37.423, 90, 90, 90], "d_min": 1.804,
    "completeness": 99.62, "r_meas": 0.061, "r_meas_inner": 0.031, "cc_half": 0.9989, "n_lattices": 2, "n_images": 160,
}  # fmt: skip


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.targets.append(dict(attrs)["href"])


def links(page):
    parser = Links()
    parser.feed(page)
    return parser.targets


def test_a_processed_sweep_shows_its_figures_and_links_to_its_files():
    page = visit_index([sweep_row("lyso 1", "processed", RESULT, 160)])
    assert links(page) == ["lyso%201/report.html", "lyso%201/merged.mtz", "lyso%201/summary.txt"]
    for text in ("P 43 21 2", "77.6 77.6 37.4 90.0 90.0 90.0", "1.80", "99.6%", "0.031", "0.999", "look closer"):
        assert text in page


def test_a_failed_sweep_says_why_and_has_no_data_to_link_to():
    page = visit_index([sweep_row("bad", "failed", {"verdict": "bad"}, 40, "no spots <here>", to_do="look at <one>")])
    assert "no spots &lt;here&gt;" in page
    assert "What to do: look at &lt;one&gt;" in page
    assert links(page) == ["bad/report.html", "bad/summary.txt"]


@pytest.mark.parametrize("state", ["queued", "running", "processed", "cancelled", "arriving"])
def test_what_to_do_is_for_those_that_failed(state):
    assert "What to do" not in visit_index([sweep_row("a", state, RESULT, 40, "again in a minute", to_do="look")])


@pytest.mark.parametrize(("state", "lamp"), STATES.items())
def test_every_light_but_a_green_one_has_words(state, lamp):
    page = visit_index([sweep_row("a", state, {}, 40, "why")])
    assert f'<span class="lamp {lamp[0]}"></span> {lamp[1]}' in page
    assert "why" in page


def test_on_a_phone_every_figure_has_its_label():
    """Headings are above the columns on wide screens only: what is stacked brings its own."""
    page = visit_index([sweep_row("a", "processed", RESULT, 160)])
    for label, value in {"to \u00c5": "1.80", "complete": "99.6%", "Rmeas low": "0.031", "CC\u00bd": "0.999",
                         "lattices": "2", "images": "160"}.items():  # fmt: skip
        assert f'<td data-label="{label}">{value}' in page
    style = page.partition("@media (max-width: 640px)")[2]
    assert "table.sweeps tr { display: flex" in style
    assert "attr(data-label)" in style


def test_a_waiting_sweep_has_no_links():
    assert links(visit_index([sweep_row("next", "queued", {}, 0)])) == []


def test_the_page_is_loaded_anew_sooner_while_sweeps_are_open():
    assert 'content="10"' in visit_index([sweep_row("a", "running", {}, 10)], refresh=10)
    assert 'content="60"' in visit_index([sweep_row("a", "processed", RESULT, 10)], refresh=10)
    assert "http-equiv" not in visit_index([sweep_row("a", "running", {}, 10)])


def test_what_was_not_processed_is_listed():
    page = visit_index([], [ListedRow("shots_####.cbf", 3, "screening shots at 0, 45, 90 degrees")])
    assert "screening shots at 0, 45, 90 degrees" in page
    assert "No sweep has been found yet" in page


def test_counts_in_words():
    tally = {("arriving", ""): 0, ("processed", "look"): 1, ("failed", ""): 1, ("failed", "bad"): 1}
    assert counts_in_words(tally) == "3 sweeps: 1 look closer, 2 failed"
    assert counts_in_words(tally, 1) == "2 sweeps and 1 group of them: 1 look closer, 2 failed"
    assert counts_in_words({("queued", ""): 1}) == "1 sweep: 1 waiting"
    assert counts_in_words({("arriving", ""): 0}) == counts_in_words({}) == "no sweeps yet"


def test_what_is_not_shown_is_counted_and_keeps_the_page_fresh():
    page = visit_index([sweep_row("a", "processed", RESULT, 10)], refresh=10,
                       tally={("queued", ""): 3, ("processed", "look"): 1})  # fmt: skip
    assert "4 sweeps: 3 waiting, 1 look closer" in page
    assert 'content="10"' in page


def test_pages_are_linked_but_not_to_themselves():
    page = visit_index([], pages=[("the latest", ""), ("1 to 200", "index-1.html")])
    assert links(page) == ["index-1.html"]
    assert "<b>the latest</b>" in page


def test_a_light_that_is_not_green_says_why():
    page = visit_index([sweep_row("a", "processed", RESULT | {"look_at": ["completeness", "ice"]}, 10)])
    assert "completeness, ice." in page
    said = ["the shutter was closed: look at it (usual: open)", "two", "three"]
    page = visit_index([sweep_row("a", "processed", RESULT | {"look_at": ["x: cut ..."], "warnings": said}, 10)])
    assert 'colspan="10">The shutter was closed: look at it (usual: open). 2 more in the summary.</td>' in page
    assert "cut ..." not in page
    assert 'class="why"' not in visit_index([sweep_row("a", "processed", RESULT | {"look_at": []}, 10)])


STANDING = {"name": "combined/x", "words": "part of combined/x, which is complete", "settled": ["completeness"],
            "verdict": "good"}  # fmt: skip
WEDGE = RESULT | {"look_at": ["completeness"], "warnings": ["completeness: 60%"], "group": STANDING,
                  "doubts": [{"name": "completeness", "verdict": "look", "says": "completeness: 60%",
                              "lacks": "coverage"}]}  # fmt: skip


def test_a_wedge_leads_to_its_group_and_the_group_to_its_sweeps():
    group = RESULT | {"verdict": "good", "members": {"x_1": 1, "x 2": 1, "gone": 1}}
    rows = [sweep_row("combined/x", "processed", group, 20), sweep_row("x_1", "processed", WEDGE, 10),
            sweep_row("x 2", "processed", WEDGE, 10)]  # fmt: skip
    page = visit_index(rows)
    assert "3 sweeps: 3 good" in page
    assert "completeness: 60%" not in page
    assert 'Part of <a href="#combined/x">combined/x</a>, which is complete.' in page
    assert '<td class="state" id="combined/x"' in page
    assert (
        'Of 3 sweeps: <a href="#x_1">x_1</a>, <a href="#x%202">x 2</a>, <a href="gone/report.html">gone</a></div>'
        in page
    )
    alone = visit_index(rows[1:])
    assert '<a href="combined/x/report.html">combined/x</a>' in alone, "where the group's row is on another page"


def test_a_sweep_that_a_group_left_out_is_marked_in_its_row():
    group = RESULT | {"members": {"x_1": 1, "x_2": 1}, "left_out": ["x_2"]}
    page = visit_index([sweep_row("combined/x", "processed", group, 20)])
    assert page.count("(left out)") == 1
    assert "x_2</a> (left out)" in page


def test_of_many_sweeps_of_a_group_the_first_are_named():
    members = {f"x_{n}": 1 for n in range(1, 61)}
    page = visit_index([sweep_row("combined/x", "processed", RESULT | {"members": members}, 20)])
    assert "x_8</a> and 52 more" in page


def test_what_is_wrong_with_a_wedge_itself_is_said_before_its_group():
    damage = {"name": "B", "verdict": "look", "says": "b grows by 17 A^2", "lacks": ""}
    wedge = WEDGE | {"look_at": ["completeness", "B"], "warnings": ["completeness: 60%", damage["says"]],
                     "doubts": [*WEDGE["doubts"], damage], "group": STANDING | {"verdict": "look"}}  # fmt: skip
    row = sweep_row("x_1", "processed", wedge, 10)
    assert (row.lamp, row.look_at) == ("look", "B grows by 17 A^2.")
    assert 'colspan="10">B grows by 17 A^2.<div class="group">Part of' in visit_index([row])


def test_a_sweep_that_failed_alone_does_not_shout_where_its_group_has_it():
    failed = {"status": "failed", "verdict": "bad", "group": STANDING}
    row = sweep_row("x_1", "failed", failed, 10, "too few spots", to_do="collect more")
    assert (row.lamp, row.verdict_words, row.to_do) == ("open", "no result alone", "")
    by_itself = sweep_row("x_1", "failed", failed | {"group": {}}, 10, "too few spots", to_do="collect more")
    assert by_itself.to_do == "collect more"
    assert "which is complete" in visit_index([row])


def test_results_of_before_stand_while_a_sweep_is_processed_again():
    page = visit_index([sweep_row("a", "queued", {}, 10, has_earlier=True)])
    assert links(page) == ["a/report.html"]
