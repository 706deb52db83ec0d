"""Whoever has seen the queue up to a number is told of every sweep that people would see changed since, once."""

from __future__ import annotations

import pytest
from queued import RESULT, begun, finished, found, queue_in

from autoproc.service.job_queue.changes import COMING
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import Arriving


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    yield queue
    queue.close()


def ids(queue, number):
    return [change.job_id for change in queue.changes.since(number)]


def test_nothing_has_changed_in_a_new_queue(queue):
    assert queue.changes.latest == 0
    assert queue.changes.since(0) == []


def test_each_sweep_is_told_of_once_in_the_order_of_its_last_change(queue):
    first = queue.add(found("a")).job_id
    second = queue.add(found("b")).job_id
    queue.heartbeat(begun(queue), 60.0, "finding spots")
    assert ids(queue, 0) == [second, first]


def test_a_number_that_was_seen_is_not_told_of_again(queue):
    finished(queue, "a")
    seen = queue.changes.latest
    assert ids(queue, seen) == []
    job = finished(queue, "b")
    assert ids(queue, seen) == [job.id]
    assert queue.changes.latest > seen


def test_a_sign_of_life_alone_is_no_change(queue):
    queue.add(found("a"))
    job = begun(queue)
    queue.heartbeat(job, 60.0, "finding spots")
    seen = queue.changes.latest
    queue.heartbeat(job, 120.0, "finding spots")
    queue.programs.beat("me", 60.0)
    assert queue.changes.latest == seen


@pytest.mark.parametrize(
    "change",
    [
        lambda queue, job: queue.heartbeat(job, 60.0, "indexing"),
        lambda queue, job: queue.finish(job, JobState.processed, RESULT, {}),
        lambda queue, job: queue.release(job, "stopped"),
        lambda queue, job: queue.crashed(job, "killed", "", 2),
        lambda queue, _: queue.cancel("a"),
        lambda queue, _: queue.reprocess("a", {"scale.d_min": "2"}),
        lambda queue, _: queue.add(found("a", n_images=180)),
    ],
)
def test_what_people_would_see_is_a_change(queue, change):
    queue.add(found("a"))
    job = begun(queue)
    seen = queue.changes.latest
    change(queue, job)
    assert ids(queue, seen) == [job.id]


def test_what_is_coming_is_a_change_when_it_comes_and_when_it_goes(queue):
    coming = Arriving("/data/c_####.cbf", "c", 3, "3 of 90 images", None)
    queue.programs.attend("me", ["/data"])
    queue.programs.show("me", [coming])
    assert ids(queue, 0) == [COMING]
    seen = queue.changes.latest
    queue.programs.show("me", [])
    assert ids(queue, seen) == [COMING]


def test_a_rolled_back_change_never_was(queue):
    def taken_in_and_lost():
        with queue.together():
            queue.add(found("a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        taken_in_and_lost()
    assert queue.changes.latest == 0


def test_the_stamp_tells_of_another_program(queue):
    before = queue.changes.stamp
    assert queue.changes.stamp == before
    other = JobQueue(queue.path)
    other.add(found("a"))
    other.close()
    assert queue.changes.stamp != before
