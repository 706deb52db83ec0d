"""Who is at work on a queue is known, and what they see coming; the dead see nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from autoproc.service.attendance import Attendance
from autoproc.service.found_sweep import FoundSweep
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.owner import this_program
from autoproc.service.job_queue.presence import LONGEST_INTERVAL, MOST_ARRIVING, SILENCE, Arriving, Presence

ONE = Arriving("/data/x_####.cbf", "x", 5, "images missing: 3", 1300.0)
OTHER = Arriving("/data/y_####.cbf", "y", 2, "none is missing so far", None)
SWEEP = FoundSweep(Path("/data/x_####.cbf"), "cbf", (1, 5), 5, "f1", "complete", "", "x", "/data", 100.0)
ELSEWHERE = "another-machine/boot/7:12:34"


class Clock:
    now = 10000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(tmp_path, clock):
    queue = JobQueue(tmp_path / "queue.sqlite", clock=clock, steady=clock)
    yield queue
    queue.close()


@pytest.fixture
def presence(queue) -> Presence:
    return queue.presence


def test_nobody(presence):
    assert not presence.is_attended
    assert presence.arriving() == []


def test_what_a_program_sees(presence):
    presence.attend(this_program(), ["/data"])
    presence.show(this_program(), [ONE, OTHER])
    assert presence.is_attended
    assert presence.watched() == ["/data"]
    assert presence.arriving() == [ONE, OTHER]
    presence.show(this_program(), [OTHER])
    assert presence.arriving() == [OTHER]
    presence.leave(this_program())
    assert not presence.is_attended
    assert presence.arriving() == []


def test_a_program_that_is_dead(presence):
    machine, _, _ = this_program().partition(":")
    dead = f"{machine}:1:never"
    presence.attend(dead, ["/data"])
    presence.show(dead, [ONE])
    assert not presence.is_attended
    assert presence.arriving() == []
    presence.show(this_program(), [])
    assert presence._programs() == []


def test_a_program_on_another_machine_is_believed_for_a_while(presence, clock):
    presence.attend(ELSEWHERE, ["/data"])
    presence.show(ELSEWHERE, [ONE])
    clock.now += SILENCE / 2
    assert presence.arriving() == [ONE]
    clock.now += SILENCE
    assert not presence.is_attended
    assert presence.arriving() == []


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_a_program_whose_clock_differs_is_heard(presence, queue, clock, ahead):
    """It is there as long as it is heard, and gone when it is not, whatever its clock says."""
    theirs = Presence(queue._db, lambda: clock.now + ahead)
    theirs.attend(ELSEWHERE, ["/data"])
    theirs.show(ELSEWHERE, [ONE])
    presence.arriving()
    for _ in range(100):
        clock.now += 20.0
        theirs.attend(ELSEWHERE, ["/data"])
        assert presence.is_attended
        assert presence.arriving() == [ONE]
        assert not presence.is_gone(ELSEWHERE)
    clock.now += SILENCE + 1
    assert not presence.is_attended
    assert presence.arriving() == []
    assert presence.is_gone(ELSEWHERE)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_who_only_looks_once_listens_for_a_beat(presence, queue, clock, ahead):
    theirs = Presence(queue._db, lambda: clock.now + ahead)
    theirs.attend(ELSEWHERE, ["/data"])

    def pause(seconds):
        clock.now += seconds
        if clock.now > 10000.0 + LONGEST_INTERVAL:
            theirs.beat(ELSEWHERE, 60)

    presence.listen(pause)
    assert clock.now < 10002.0 + LONGEST_INTERVAL
    assert presence.is_attended
    assert not presence.is_gone(ELSEWHERE)


def test_who_is_not_heard_is_listened_for_once(presence, clock):
    presence.attend(ELSEWHERE, ["/data"])
    clock.now += 3600.0

    def pause(seconds):
        clock.now += seconds

    presence.listen(pause)
    waited_until = clock.now
    assert 3600.0 < waited_until - 10000.0 < 3600.0 + 4 * LONGEST_INTERVAL
    presence.listen(pause)
    assert clock.now == waited_until
    assert not presence.is_attended
    assert presence.is_gone(ELSEWHERE)
    presence.attend(ELSEWHERE, ["/data"])
    assert presence.is_attended


def test_nobody_waits_where_the_clocks_agree(presence, clock):
    presence.attend(ELSEWHERE, ["/data"])
    presence.attend(this_program(), ["/data"])
    clock.now += SILENCE / 2
    presence.listen(lambda seconds: pytest.fail("it waited"))
    assert presence.is_attended


def test_jobs_of_the_dead_and_of_the_unknown(presence):
    machine, _, _ = this_program().partition(":")
    assert presence.is_gone(f"{machine}:1:never")
    assert not presence.is_gone(this_program())
    assert not presence.is_gone(ELSEWHERE)


def test_names_that_are_no_utf_8(presence):
    odd = Arriving("/data/\udce9_####.cbf", "\udce9", 2, "not \udce9", None)
    presence.attend(this_program(), ["/data/\udce9"])
    presence.show(this_program(), [odd])
    assert presence.arriving() == [odd]
    assert presence.watched() == ["/data/\udce9"]


def test_only_what_changed_is_written(queue, monkeypatch):
    monkeypatch.setattr("autoproc.service.attendance.LEAST_INTERVAL", 100.0)
    monkeypatch.setattr("autoproc.service.attendance.LARGEST_SHARE", 1.0)
    seen, changes = [ONE], []
    attendance = Attendance(queue, ["/data"], lambda: seen, lambda: changes.append(1))
    attendance.poll()
    writes = queue._db.total_changes
    for _ in range(5):
        attendance.hurry()
        attendance.poll()
    assert queue._db.total_changes == writes
    assert (len(changes), queue.presence.arriving()) == (1, [ONE])
    seen.clear()
    attendance.poll()
    assert queue.presence.arriving() == [ONE]
    attendance.hurry()
    attendance.poll()
    assert (len(changes), queue.presence.arriving()) == (2, [])
    attendance.leave()
    assert not queue.presence.is_attended


def test_a_queue_of_the_version_before(tmp_path):
    """It had no column for when a sweep was asked for, and nobody was present."""
    path = tmp_path / "queue.sqlite"
    JobQueue(path).close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE jobs DROP COLUMN asked_at")
        db.execute("DROP TABLE arriving")
        db.execute("DROP TABLE programs")
        db.execute("PRAGMA user_version = 1")
    db.close()
    for _ in range(2):
        queue = JobQueue(path)
        assert queue.rows() == []
        assert not queue.presence.is_attended
        queue.close()


def test_a_queue_of_version_2(tmp_path):
    """It had no column for how many sweeps are coming beside those that are shown."""
    path = tmp_path / "queue.sqlite"
    JobQueue(path).close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE programs DROP COLUMN n_more")
        db.execute("PRAGMA user_version = 2")
    db.close()
    for _ in range(2):
        queue = JobQueue(path)
        queue.presence.attend(this_program(), ["/data"])
        queue.presence.show(this_program(), [ONE], 7)
        assert queue.presence.n_arriving == 7
        queue.close()


def many(n: int) -> list[Arriving]:
    return [Arriving(f"/data/x{k}_####.cbf", f"x{k}", 1, "", None) for k in range(n)]


@pytest.mark.parametrize(("n_shown", "n"), [(0, 0), (3, 3), (MOST_ARRIVING, 10_000), (MOST_ARRIVING + 50, 250)])
def test_the_number_of_those_that_come_is_true_however_few_are_shown(presence, n_shown, n):
    presence.attend(this_program(), ["/data"])
    presence.show(this_program(), many(n_shown), n)
    assert (len(presence.arriving()), presence.n_arriving) == (min(n_shown, MOST_ARRIVING), n)


def test_two_programs_that_watch_the_same_see_the_same(presence, clock):
    for program, watches in ((this_program(), ["/data"]), (ELSEWHERE, ["/data"]), (f"{ELSEWHERE}5", ["/other"])):
        presence.attend(program, watches)
        presence.show(program, many(5), 100)
    assert presence.n_arriving == 5 + 95 + 95


def test_what_is_in_the_queue_is_not_coming_any_more(queue, presence):
    """In one transaction: nobody sees it in both places, or in none."""
    presence.attend(this_program(), ["/data"])
    presence.show(this_program(), [ONE, OTHER])
    queue.add(replace(SWEEP, path=Path(ONE.path)))
    assert presence.arriving() == [OTHER]
    presence.show(this_program(), [ONE, OTHER])
    queue.add(replace(SWEEP, path=Path(ONE.path), n_images=50))
    assert (presence.arriving(), presence.n_arriving) == ([OTHER], 1)
