"""Results of a sweep lead to their group, as long as it is made of them."""

from __future__ import annotations

import json

import pytest

from autoproc.service.results.group_note import note_group

STANDING = {"name": "combined/x", "words": "part of combined/x, which is complete and settles the space group: P 31"}
SUMMARY = "autoproc 0.1.0    sweep x_1\n=====\n\nPROCESSED    P 3\n             1.99 A\n\nQUALITY      good\n"
REPORT = '<body>\n<h1>x_1\n<span class="badge">good</span></h1>\n<div>facts</div>\n'


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "x_1"
    folder.mkdir()
    (folder / "parameters.json").write_text(json.dumps({"run": 2, "settings": {}}))
    (folder / "summary.txt").write_text(SUMMARY)
    (folder / "report.html").write_text(REPORT)
    return folder


def texts(place):
    return (place / "summary.txt").read_text(), (place / "report.html").read_text()


def test_the_group_is_named_at_the_top_and_its_report_is_linked(place):
    note_group(place, "x_1", 2, STANDING)
    summary, report = texts(place)
    assert "=====\n\nGROUP        part of combined/x, which is complete and settles the space group: P 31;" in summary
    assert "\n             combined/x/summary.txt\n\nPROCESSED    P 3\n" in summary
    assert max(map(len, summary.splitlines())) <= 100
    assert '</h1>\n<p class="group">Part of <a href="../combined/x/report.html">combined/x</a>, which is' in report
    assert sorted(path.name for path in place.iterdir()) == ["parameters.json", "report.html", "summary.txt"]


def test_it_is_said_once_as_it_is_last_and_can_be_taken_out(place):
    note_group(place, "x_1", 2, STANDING)
    note_group(place, "x_1", 2, STANDING | {"words": "part of combined/x, which is not complete yet"})
    summary, report = texts(place)
    assert summary.count("GROUP ") == report.count('class="group"') == 1
    assert "not complete yet" in summary
    assert "settles" not in summary + report
    note_group(place, "x_1", 2, None)
    assert texts(place) == (SUMMARY, REPORT)


def test_results_of_another_attempt_are_left_alone(place):
    note_group(place, "x_1", 1, STANDING)
    assert texts(place) == (SUMMARY, REPORT)


def test_results_that_are_put_aside_meanwhile_keep_what_is_theirs(place, monkeypatch):
    import autoproc.service.results.group_note as module

    aside = place.with_name("aside")

    def run_of(folder):
        place.rename(aside)
        place.mkdir()
        (place / "summary.txt").write_text("newer")
        return 2

    monkeypatch.setattr(module, "run_of", run_of)
    note_group(place, "x_1", 2, STANDING)
    assert (place / "summary.txt").read_text() == "newer"
    assert "GROUP" in (aside / "summary.txt").read_text()


def test_names_are_text_and_lead_out_of_folders(place):
    standing = {"name": "combined/<x> 1", "words": "part of combined/<x> 1, which is complete"}
    note_group(place, "deep/x_1", 2, standing)
    report = texts(place)[1]
    assert '<a href="../../combined/%3Cx%3E%201/report.html">combined/&lt;x&gt; 1</a>' in report


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"one line"])
def test_what_is_damaged_or_missing_stays_as_it_is(place, content):
    (place / "summary.txt").write_bytes(content)
    (place / "report.html").unlink()
    note_group(place, "x_1", 2, STANDING)
    assert (place / "summary.txt").read_bytes() == content
    assert not (place / "report.html").exists()


def test_a_folder_that_is_gone_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        note_group(tmp_path / "gone", "gone", 1, STANDING)
