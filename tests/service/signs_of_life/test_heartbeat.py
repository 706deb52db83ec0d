"""A program whose loop is held up is alive for the others; one that hangs for good is not."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processes.program import this_program
from autoproc.service.signs_of_life.heartbeat import Heartbeat
from autoproc.service.sweeps.found_sweep import FoundSweep


@pytest.fixture
def path(tmp_path):
    """A queue with one job under way here, and this program in attendance."""
    path = tmp_path / "queue.sqlite"
    with closing(JobQueue(path)) as queue:
        queue.add(FoundSweep(Path("/x_#.cbf"), "cbf", (1, 9), 9, "mark", "complete", "", "x", "/", 1.0))
        queue.programs.attend(this_program(), ["/data"])
        queue.claim(this_program(), 0.2)
        queue.claim(this_program(), 0.2)
    return path


def beats(path) -> tuple[float, float]:
    with closing(sqlite3.connect(path)) as db:
        (lease,), (seen,) = (
            db.execute(query).fetchone() for query in ("SELECT lease_until FROM jobs", "SELECT beat_at FROM programs")
        )
    return lease, seen


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_jobs_and_program_are_kept_while_the_loop_is_held_up(path):
    before = beats(path)
    with Heartbeat(lambda: JobQueue(path), lease=0.2):
        wait_for(lambda: all(now > old + 0.3 for now, old in zip(beats(path), before, strict=True)))
    last = beats(path)
    time.sleep(0.2)
    assert beats(path) == last


def test_a_loop_that_hangs_for_good_is_not_vouched_for(path):
    with Heartbeat(lambda: JobQueue(path), lease=0.2, longest_turn=0.3) as heartbeat:
        time.sleep(0.8)
        silent = beats(path)
        time.sleep(0.3)
        assert beats(path) == silent
        heartbeat.turned()
        wait_for(lambda: beats(path) != silent)


def test_a_queue_that_cannot_be_opened_is_tried_again(path):
    before, failures = beats(path), [sqlite3.OperationalError("unable to open database file"), OSError("away")]

    def opened():
        if failures:
            raise failures.pop()
        return JobQueue(path)

    with Heartbeat(opened, lease=0.2):
        wait_for(lambda: beats(path) != before)
    assert not failures


def test_jobs_of_others_are_left_alone(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE jobs SET worker = 'another'")
        db.commit()
    before = beats(path)
    with Heartbeat(lambda: JobQueue(path), lease=0.2):
        wait_for(lambda: beats(path)[1] > before[1])
    assert beats(path)[0] == before[0]
