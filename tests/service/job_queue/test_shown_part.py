"""A part of a queue is all there is, for whoever may see no more."""

from __future__ import annotations

import sqlite3

import pytest
from queued import RESULT, begun, finished, found, queue_in

from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import UnknownSweep
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.job_queue.sweep_query import SweepQuery
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    for name in ("mine_1", "mine_2", "theirs"):
        finished(queue, name)
    yield queue
    queue.close()


@pytest.fixture
def part(queue, tmp_path):
    part = queue_there(Outputs(tmp_path))
    part.show_only(lambda path, *_: "mine" in path)
    yield part
    part.close()


def group(queue, name, members):
    queue.add(found(f"combined/{name}", kind="combined"))
    assert queue.finish(begun(queue), JobState.processed, RESULT | {"members": dict.fromkeys(members, 1)}, {})


def test_it_has_no_other_sweeps(part):
    assert [job.name for job in part.rows()] == ["mine_1", "mine_2"]
    assert part.overview.numbers() == {"processed": 2}
    assert part.overview.list.find(SweepQuery()).n_found == 2
    assert part.by_name("theirs") is None
    assert part.n_in(JobState.processed) == 2


def test_names_of_others_are_not_suggested(part):
    with pytest.raises(UnknownSweep) as told:
        part.named("their")
    assert "theirs" not in str(told.value)


def test_what_comes_later_is_sorted_too(queue, part):
    finished(queue, "mine_3")
    finished(queue, "theirs_2")
    assert part.overview.list.find(SweepQuery()).n_found == 3


def test_changes_of_others_are_numbers(queue, part):
    before = part.changes.latest
    finished(queue, "theirs_2")
    assert part.changes.latest > before
    assert {change.job_id for change in part.changes.since(before)} == {0}
    mine = finished(queue, "mine_3")
    assert mine.id in {change.job_id for change in part.changes.since(before)}


def test_a_group_is_shown_where_all_of_it_is(queue, part):
    group(queue, "ours", ["mine_1", "mine_2"])
    group(queue, "mixed", ["mine_1", "theirs"])
    group(queue, "lost", ["mine_1", "deleted"])
    queue.add(found("combined/mine", kind="combined"))
    assert [job.name for job in part.rows() if job.kind == "combined"] == ["combined/ours"]


def test_how_a_sweep_stands_in_a_group_is_shown_where_the_group_is(queue, part):
    group(queue, "ours", ["mine_1", "mine_2"])
    group(queue, "mixed", ["mine_2", "theirs"])
    for number, name in ((1, "ours"), (2, "mixed")):
        standing = {"name": f"combined/{name}", "words": f"part of combined/{name}", "settled": [], "verdict": "look"}
        runs = {f"mine_{number}": 1}
        queue.membership.tell(f"combined/{name}", runs, dict.fromkeys(runs, standing))
    assert part.named("mine_1").result["group"]["name"] == "combined/ours"
    assert "group" not in part.named("mine_2").result
    assert part.named("mine_2").result["verdict"] == "good"
    assert part.overview.list.tally() == {("processed", "look"): 1, ("processed", "good"): 2}


def test_a_story_is_told_without_groups_that_are_not_shown(queue, part):
    group(queue, "ours", ["mine_1", "mine_2"])
    group(queue, "mixed", ["mine_1", "theirs"])
    for name in ("mixed", "ours", "mixed", "ours"):
        standing = {"name": f"combined/{name}", "words": f"part of combined/{name}", "settled": [], "verdict": "look"}
        queue.membership.tell(f"combined/{name}", {"mine_1": 1}, {"mine_1": standing})
    whole, told = queue.named("mine_1").story, part.named("mine_1").story
    assert sum("mixed" in str(event) for event in whole) == 2
    assert told == tuple(event for event in whole if "mixed" not in str(event))


@pytest.mark.parametrize("story", ["", "no JSON", '[1, null, "x", [2], {"a": 1}]', "{}", "null"])
def test_a_story_that_is_damaged_hides_no_sweep(queue, part, story):
    queue._db.execute("UPDATE jobs SET story = ? WHERE name = 'mine_1'", (story,))
    assert part.named("mine_1").story == queue.named("mine_1").story


def test_what_comes_and_where_it_is_looked_for(queue, part):
    queue.programs.attend("here:1:1", ["/data/secret"])
    queue.programs.show("here:1:1", [Arriving(f"/data/{n}.h5", n, 3, "", None) for n in ("mine", "theirs")], 7)
    assert len(queue.programs.arriving()) == 2
    assert [arriving.name for arriving in part.programs.arriving()] == ["mine"]
    assert part.programs.watched() == []
    assert part.programs.n_arriving == 1


@pytest.mark.parametrize("verb", ["cancel", "retry", "named"])
def test_nothing_is_changed_by_it(queue, part, verb):
    queue.add(found("mine_3"))
    if verb == "named":
        assert part.named("mine_3").state is JobState.queued
        return
    with pytest.raises(sqlite3.DatabaseError):
        getattr(part, verb)("mine_3")
    assert queue.named("mine_3").priority == 0


def test_without_its_views_it_shows_nothing(part):
    part._db.execute("DROP VIEW temp.jobs")
    for ask in (part.rows, lambda: part.by_name("theirs"), part.overview.numbers):
        with pytest.raises(sqlite3.DatabaseError, match="prohibited"):
            ask()
