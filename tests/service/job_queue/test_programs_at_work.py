"""Who is at work on a queue is known, and what they see coming; the dead see nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import (
    LONGEST_INTERVAL,
    MOST_ARRIVING,
    SILENCE,
    Arriving,
    ProgramsAtWork,
)
from autoproc.service.processes.program import this_program
from autoproc.service.signs_of_life.announcement import Announcement
from autoproc.service.sweeps.found_sweep import FoundSweep

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
def programs(queue) -> ProgramsAtWork:
    return queue.programs


def test_nobody(programs):
    assert not programs.is_attended
    assert programs.arriving() == []


def test_what_a_program_sees(programs):
    programs.attend(this_program(), ["/data"])
    programs.show(this_program(), [ONE, OTHER])
    assert programs.is_attended
    assert programs.watched() == ["/data"]
    assert programs.arriving() == [ONE, OTHER]
    programs.show(this_program(), [OTHER])
    assert programs.arriving() == [OTHER]
    programs.leave(this_program())
    assert not programs.is_attended
    assert programs.arriving() == []


def test_a_program_that_is_dead(programs):
    machine, _, _ = this_program().partition(":")
    dead = f"{machine}:1:never"
    programs.attend(dead, ["/data"])
    programs.show(dead, [ONE])
    assert not programs.is_attended
    assert programs.arriving() == []
    programs.show(this_program(), [])
    assert programs._programs() == []


def test_a_program_on_another_machine_is_believed_for_a_while(programs, clock):
    programs.attend(ELSEWHERE, ["/data"])
    programs.show(ELSEWHERE, [ONE])
    clock.now += SILENCE / 2
    assert programs.arriving() == [ONE]
    clock.now += SILENCE
    assert not programs.is_attended
    assert programs.arriving() == []


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_a_program_whose_clock_differs_is_heard(programs, queue, clock, ahead):
    """It is there as long as it is heard, and gone when it is not, whatever its clock says."""
    theirs = ProgramsAtWork(queue._db, lambda: clock.now + ahead)
    theirs.attend(ELSEWHERE, ["/data"])
    theirs.show(ELSEWHERE, [ONE])
    programs.arriving()
    for _ in range(100):
        clock.now += 20.0
        theirs.attend(ELSEWHERE, ["/data"])
        assert programs.is_attended
        assert programs.arriving() == [ONE]
        assert not programs.is_gone(ELSEWHERE)
    clock.now += SILENCE + 1
    assert not programs.is_attended
    assert programs.arriving() == []
    assert programs.is_gone(ELSEWHERE)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_who_only_looks_once_listens_for_a_beat(programs, queue, clock, ahead):
    theirs = ProgramsAtWork(queue._db, lambda: clock.now + ahead)
    theirs.attend(ELSEWHERE, ["/data"])

    def pause(seconds):
        clock.now += seconds
        if clock.now > 10000.0 + LONGEST_INTERVAL:
            theirs.beat(ELSEWHERE, 60)

    programs.listen(pause)
    assert clock.now < 10002.0 + LONGEST_INTERVAL
    assert programs.is_attended
    assert not programs.is_gone(ELSEWHERE)


def test_who_is_not_heard_is_listened_for_once(programs, clock):
    programs.attend(ELSEWHERE, ["/data"])
    clock.now += 3600.0

    def pause(seconds):
        clock.now += seconds

    programs.listen(pause)
    waited_until = clock.now
    assert 3600.0 < waited_until - 10000.0 < 3600.0 + 4 * LONGEST_INTERVAL
    programs.listen(pause)
    assert clock.now == waited_until
    assert not programs.is_attended
    assert programs.is_gone(ELSEWHERE)
    programs.attend(ELSEWHERE, ["/data"])
    assert programs.is_attended


def test_nobody_waits_where_the_clocks_agree(programs, clock):
    programs.attend(ELSEWHERE, ["/data"])
    programs.attend(this_program(), ["/data"])
    clock.now += SILENCE / 2
    programs.listen(lambda seconds: pytest.fail("it waited"))
    assert programs.is_attended


def test_jobs_of_the_dead_and_of_the_unknown(programs):
    machine, _, _ = this_program().partition(":")
    assert programs.is_gone(f"{machine}:1:never")
    assert not programs.is_gone(this_program())
    assert not programs.is_gone(ELSEWHERE)


def test_names_that_are_no_utf_8(programs):
    odd = Arriving("/data/\udce9_####.cbf", "\udce9", 2, "not \udce9", None)
    programs.attend(this_program(), ["/data/\udce9"])
    programs.show(this_program(), [odd])
    assert programs.arriving() == [odd]
    assert programs.watched() == ["/data/\udce9"]


def test_only_what_changed_is_written(queue, monkeypatch):
    monkeypatch.setattr("autoproc.service.signs_of_life.announcement.LEAST_INTERVAL", 100.0)
    monkeypatch.setattr("autoproc.service.signs_of_life.announcement.LARGEST_SHARE", 1.0)
    seen, changes = [ONE], []
    announcement = Announcement(queue, ["/data"], lambda: seen, lambda: changes.append(1))
    announcement.poll()
    writes = queue._db.total_changes
    for _ in range(5):
        announcement.hurry()
        announcement.poll()
    assert queue._db.total_changes == writes
    assert (len(changes), queue.programs.arriving()) == (1, [ONE])
    seen.clear()
    announcement.poll()
    assert queue.programs.arriving() == [ONE]
    announcement.hurry()
    announcement.poll()
    assert (len(changes), queue.programs.arriving()) == (2, [])
    announcement.leave()
    assert not queue.programs.is_attended


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
        assert not queue.programs.is_attended
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
        queue.programs.attend(this_program(), ["/data"])
        queue.programs.show(this_program(), [ONE], 7)
        assert queue.programs.n_arriving == 7
        queue.close()


def many(n: int) -> list[Arriving]:
    return [Arriving(f"/data/x{k}_####.cbf", f"x{k}", 1, "", None) for k in range(n)]


@pytest.mark.parametrize(("n_shown", "n"), [(0, 0), (3, 3), (MOST_ARRIVING, 10_000), (MOST_ARRIVING + 50, 250)])
def test_the_number_of_those_that_come_is_true_however_few_are_shown(programs, n_shown, n):
    programs.attend(this_program(), ["/data"])
    programs.show(this_program(), many(n_shown), n)
    assert (len(programs.arriving()), programs.n_arriving) == (min(n_shown, MOST_ARRIVING), n)


def test_two_programs_that_watch_the_same_see_the_same(programs, clock):
    for program, watches in ((this_program(), ["/data"]), (ELSEWHERE, ["/data"]), (f"{ELSEWHERE}5", ["/other"])):
        programs.attend(program, watches)
        programs.show(program, many(5), 100)
    assert programs.n_arriving == 5 + 95 + 95


def test_what_is_in_the_queue_is_not_coming_any_more(queue, programs):
    """In one transaction: nobody sees it in both places, or in none."""
    programs.attend(this_program(), ["/data"])
    programs.show(this_program(), [ONE, OTHER])
    queue.add(replace(SWEEP, path=Path(ONE.path)))
    assert programs.arriving() == [OTHER]
    programs.show(this_program(), [ONE, OTHER])
    queue.add(replace(SWEEP, path=Path(ONE.path), n_images=50))
    assert (programs.arriving(), programs.n_arriving) == ([OTHER], 1)
