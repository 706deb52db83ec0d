"""The time from the last image to the results is put into them, and nothing else of them changes."""

from __future__ import annotations

import json

import pytest

from autoproc.reports.ispyb import ispyb_record
from autoproc.reports.summary import Failure, format_summary, summarise
from autoproc.service.processing.process_sweep import write_json
from autoproc.service.processing.told_parameters import UNTOLD
from autoproc.service.results.latency_note import note_latency

SUMMARY = UNTOLD.put_into(summarise("x", None, Failure("index", "no lattice: 1.5 Å", "look")))
WHY = "they were asked for after it had come, by name or by processing it again"


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    write_json(folder / "parameters.json", {"run": 2, "settings": {}})
    write_json(folder / "summary.json", SUMMARY | {"timings": {"index": 1.25}})
    write_json(folder / "ispyb.json", ispyb_record(SUMMARY, str(folder)))
    (folder / "summary.txt").write_text(format_summary(SUMMARY, None), encoding="utf-8")
    return folder


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_file_says_the_same(place):
    before = content(place)
    note_latency(place, 2, 83.20449, "")
    after = content(place)
    told, record = json.loads(after["summary.json"]), json.loads(after["ispyb.json"])
    assert (told["latency"], told["no_latency"]) == (83.204, "")
    assert record["AutoProcProgramContainer"]["AutoProcProgram"].pop("latency") == 83.204
    said = "\nSeconds from the last image to these results in their place: 83.2\n"
    assert after["summary.txt"].decode().endswith(said)
    assert after.keys() == before.keys()
    assert after["summary.txt"].startswith(before["summary.txt"])
    line = b',\n  "latency": 83.204,\n  "no_latency": ""\n}\n'
    assert after["summary.json"] == before["summary.json"].removesuffix(b"\n}\n") + line
    assert record == json.loads(before["ispyb.json"])


def test_why_there_is_none_is_said(place):
    note_latency(place, 2, None, WHY)
    told = json.loads((place / "summary.json").read_text())
    assert (told["latency"], told["no_latency"]) == (None, WHY)
    assert f"no such number: {WHY}" in " ".join((place / "summary.txt").read_text().split())


def test_results_of_another_attempt_are_left_alone(place):
    before = content(place)
    note_latency(place, 3, 83.2, "")
    assert content(place) == before


def test_what_is_damaged_or_not_there_stays_as_it_is(place):
    (place / "summary.json").write_text("half of")
    (place / "ispyb.json").write_text('{"AutoProcProgramContainer": []}')
    (place / "summary.txt").unlink()
    before = content(place)
    note_latency(place, 2, 83.2, "")
    assert content(place) == before
