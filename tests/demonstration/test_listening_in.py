"""Lines that other processes add to files are read once, when they are whole."""

from __future__ import annotations

import json

from autoproc.demonstration.listening_in import JsonLines, live_now, summary_there


def test_lines_are_read_once(tmp_path):
    path = tmp_path / "told.jsonl"
    told = JsonLines(path)
    assert told.news() == []
    path.write_text('{"n": 1}\n{"n": 2}\n')
    assert [one["n"] for one in told.news()] == [1, 2]
    assert told.news() == []


def test_half_a_line_waits_for_its_rest(tmp_path):
    path = tmp_path / "told.jsonl"
    told = JsonLines(path)
    path.write_text('{"n": 1}\n{"n"')
    assert [one["n"] for one in told.news()] == [1]
    assert told.news() == []
    with path.open("a") as file:
        file.write(": 2}\n")
    assert [one["n"] for one in told.news()] == [2]


def test_what_is_no_object_is_nothing(tmp_path):
    path = tmp_path / "told.jsonl"
    path.write_bytes(b'nonsense\n[1]\n\xff\n{"n": 3}\n')
    assert JsonLines(path).news() == [{"n": 3}]


def test_what_is_known_of_sweeps_now(tmp_path):
    assert live_now(tmp_path / "live") == []
    (tmp_path / "b.json").write_text('{"name": "b"}')
    (tmp_path / "a.json").write_text('{"name": "a"}')
    (tmp_path / "c.json").write_text('{"name"')
    assert [one["name"] for one in live_now(tmp_path)] == ["a", "b"]


def test_a_summary_that_is_not_there_is_empty(tmp_path):
    assert summary_there(tmp_path) == {}
    (tmp_path / "summary.json").write_text(json.dumps({"d_min": 2.0}))
    assert summary_there(tmp_path) == {"d_min": 2.0}
