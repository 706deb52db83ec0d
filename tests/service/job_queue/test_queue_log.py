"""Both logs tell the same, stay within bounds, and stop nothing."""

from __future__ import annotations

import json

from autoproc.service.events import Event
from autoproc.service.job_queue.queue_log import QueueLog
from autoproc.service.params import ServiceParams

DONE = {
    "space_group": "P 41 21 2", "unit_cell": [78.0, 78.0, 37.0, 90.0, 90.0, 90.0], "d_min": 1.62, "completeness": 99.5,
    "r_meas": 0.041, "cc_half": 0.999, "latency": 143.2, "processing_time": 83.2, "waited": 60.0,
}  # fmt: skip


def test_both_logs_tell_the_same(tmp_path):
    log = QueueLog(tmp_path, ServiceParams())
    log(Event("processed", "lyso", DONE))
    log(Event("failed", "x", {"error": "no spots", "hint": "look at it", "error_stage": "find_spots"}))
    log.close()
    text = (tmp_path / "queue.log").read_text()
    assert "lyso: P 41 21 2  78.00 78.00 37.00 90.00 90.00 90.00  1.62 A  99.5% complete  Rmeas 0.041" in text
    assert "time 83 s after waiting 60 s" in text
    assert "x: FAILED at find_spots: no spots" in text
    records = [json.loads(line) for line in (tmp_path / "queue.jsonl").read_text().splitlines()]
    assert [(r["event"], r["sweep"]) for r in records] == [("processed", "lyso"), ("failed", "x")]
    assert records[0]["cc_half"] == 0.999
    assert records[0]["time"].endswith("+00:00")


def test_logs_are_rotated(tmp_path):
    log = QueueLog(tmp_path, ServiceParams(log_size=0.002, log_count=2))
    for n in range(100):
        log(Event("said", "x", {"text": f"line {n} " + 50 * "x"}))
    log.close()
    assert sorted(p.name for p in tmp_path.glob("queue.log*")) == ["queue.log", "queue.log.1", "queue.log.2"]
    assert all(p.stat().st_size < 2100 for p in tmp_path.iterdir())


def test_a_log_that_cannot_be_written_is_said_once(tmp_path, capsys):
    (tmp_path / "queue.log").mkdir()
    log = QueueLog(tmp_path, ServiceParams())
    for _ in range(3):
        log(Event("said", "x", {"text": "hello"}))
    log.close()
    assert capsys.readouterr().err.count("cannot be written") == 1
    assert len((tmp_path / "queue.jsonl").read_text().splitlines()) == 3


def test_the_traceback_of_a_flaw_is_in_both_and_cannot_feign_a_line(tmp_path):
    log = QueueLog(tmp_path, ServiceParams())
    details = "Traceback\n  in reader\nKeyError: '\x1b[2J'"
    log(Event("listed", "", {"text": "x: cannot be told", "details": details}))
    log.close()
    lines = (tmp_path / "queue.log").read_text().splitlines()
    assert len(lines) == 4
    assert all("Z      " in line for line in lines[1:])
    assert "\x1b" not in lines[3]
    assert json.loads((tmp_path / "queue.jsonl").read_text())["details"] == details
