"""How sweeps stand in their groups is kept with their results, and goes with these."""

from __future__ import annotations

import pytest
from queued import begun, finished, queue_in

from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.sweep_query import SweepQuery

STANDING = {"name": "combined/x", "words": "part of combined/x, which is complete", "settled": ["completeness"],
            "verdict": "good"}  # fmt: skip
RUNS = {"x_1": 1, "x_2": 1}


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    for name in ("x_1", "x_2", "y_1"):
        finished(queue, name, verdict="look", look_at=["completeness"])
    yield queue
    queue.close()


def tell(queue, *names, **changes):
    queue.membership.tell("combined/x", RUNS, dict.fromkeys(names, STANDING | changes))


def test_results_are_those_of_the_attempts_that_are_asked_for(queue):
    assert sorted(queue.membership.results(RUNS)) == ["x_1", "x_2"]
    assert sorted(queue.membership.results({"x_1": 2, "x_2": 1, "z": 1})) == ["x_2"]


def test_lists_and_numbers_go_by_what_is_left_of_doubt(queue):
    tell(queue, "x_1")
    job = queue.named("x_1")
    assert job.result["group"] == STANDING
    assert not job.damaged
    assert queue.overview.tally() == {("processed", "good"): 1, ("processed", "look"): 2}
    assert queue.overview.list.tally() == {("processed", "good"): 1, ("processed", "look"): 2}
    found = queue.overview.list.find(SweepQuery(verdicts=("good",)))
    assert [one.name for one in found.jobs] == ["x_1"]


def test_pages_hear_of_it_and_the_story_tells_it_once(queue):
    before, looks = queue.changes.latest, queue.overview.looks(100)
    tell(queue, "x_1")
    assert {change.job_id for change in queue.changes.since(before)} == {queue.named("x_1").id}
    assert queue.overview.looks(100) != looks
    tell(queue, "x_1")
    told = [entry["because"] for entry in queue.named("x_1").story if entry["event"] == "group"]
    assert told == [STANDING["words"]]


def test_who_is_not_named_any_more_is_not_part_of_it(queue):
    tell(queue, "x_1", "x_2")
    tell(queue, "x_2")
    assert "group" not in queue.named("x_1").result
    assert queue.named("x_1").story[-1]["because"] == "no more part of combined/x as it is"
    assert "group" in queue.named("x_2").result


def test_a_new_result_is_of_no_group_until_that_is_done_anew(queue):
    tell(queue, "x_1")
    queue.reprocess("x_1", {})
    job = begun(queue)
    tell(queue, "x_1", verdict="bad")
    assert queue.named("x_1").result["group"]["verdict"] == "good", "what is told is of the attempt before"
    queue.finish(job, JobState.processed, {"status": "processed", "verdict": "look"}, {})
    assert "group" not in queue.named("x_1").result
