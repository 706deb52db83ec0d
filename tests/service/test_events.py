"""What happens, in lines that people read."""

from __future__ import annotations

import pytest

from autoproc.service.events import Event, duration, event_lines

DONE = {
    "space_group": "P 41 21 2", "unit_cell": [78.0, 78.0, 37.0, 90.0, 90.0, 90.0], "d_min": 1.62, "completeness": 99.5,
    "r_meas": 0.041, "cc_half": 0.999, "latency": 143.2, "processing_time": 83.2, "waited": 60.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (Event("found", "x", {"n_images": 90}), ["x: 90 images"]),
        (Event("found", "x", {"n_images": 1}), ["x: 1 image"]),
        (Event("found", "x", {"n_images": 58, "n_whole": 60}), ["x: 58 of 60 images"]),
        (Event("found", "x", {"n_images": 60, "n_whole": 60}), ["x: 60 images"]),
        (Event("extended", "x", {"n_images": 90}), ["x: 90 images, more of them than before"]),
        (Event("found", "x", {"n_images": 40, "partial": "stalled"}), ["x: 40 images, partial: stalled"]),
        (Event("put back", "x", {"error": "disk full", "delay": 30.0}), ["x: disk full; tried again in 30 s"]),
        (Event("started", "x", {"attempt": 2}), ["x: started, attempt 2"]),
        (Event("interrupted", "x"), ["x: interrupted"]),
        (Event("trouble", "", {"text": "no queue"}), ["no queue"]),
    ],
)
def test_lines(event, lines):
    assert event_lines(event) == lines


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (99, "99 s"), (600, "10 min"), (7200, "2 h"), (864000, "10 days")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("kind", ["found", "listed", "failed", "crashed", "trouble"])
def test_what_a_file_is_called_feigns_no_line(kind):
    text = "x\n2026-11-29  good: processed\x1b[2J"
    facts = {"text": text, "error": text, "partial": text, "n_images": 1, "error_stage": ""}
    (line,) = event_lines(Event(kind, "x", facts))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_waiting_is_no_processing():
    (line,) = event_lines(Event("processed", "x", DONE))
    assert line.endswith("  time 83 s after waiting 60 s")
    (line,) = event_lines(Event("processed", "x", DONE | {"waited": 0.6}))
    assert line.endswith("  time 83 s")
