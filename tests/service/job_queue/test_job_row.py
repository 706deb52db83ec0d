"""Rows of the queue that something has damaged: what can be understood is, and the rest is named."""

from __future__ import annotations

import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queued import RESULT, finished, found, queue_in

from autoproc.service.job_queue import job_row
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.sweep_query import SweepQuery
from autoproc.service.queue_file import queue_path
from autoproc.service.results.brief import brief
from autoproc.service.results.outputs import Outputs
from autoproc.service.status import Queue, status_table, story_lines

ODD = st.one_of(
    st.none(), st.integers(-9, 9), st.floats(), st.text(max_size=5), st.binary(max_size=5),
    st.sampled_from(["{", "[]", '{"a": 1}', "null", "[{}]", "[1]", "-1", "1e400", '{"a": {}}', '{"verdict": {}}']),
)  # fmt: skip
COLUMNS = (
    "path", "kind", "first_image", "last_image", "n_images", "partial", "visit", "priority", "attempts", "crashes",
    "run", "worker", "lease_until", "not_before", "found_at", "completed_at", "asked_at", "started_at", "finished_at",
    "base", "parameters", "settings", "error", "hint", "retryable", "result", "story", "progress",
)  # fmt: skip


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "lyso")
    finished(queue, "other")
    yield queue
    queue.close()


def change(tmp_path, name, **columns):
    db = sqlite3.connect(queue_path(Outputs(tmp_path)))
    changes = ", ".join(f"{column} = ?" for column in columns)
    db.execute(f"UPDATE OR IGNORE jobs SET {changes} WHERE name = ?", (*columns.values(), name))
    db.commit()
    db.close()


def test_a_sound_row_is_as_it_was_written(queue):
    job = queue.named("lyso")
    assert job.damaged == ()
    assert job.damage == ""
    assert job.result == RESULT


def test_what_is_kept_of_a_result_is_what_is_described():
    summary = {"status": "processed", "members": {}}
    assert {*brief(summary), "group"} == set(job_row.RESULT)


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("result", "{", "result"), ("result", "[1]", "result"), ("story", '[{"at": 1}]', "story"),
        ("parameters", '{"a": 1}', "parameters"), ("n_images", "many", "n_images"), ("found_at", 1e300, "found_at"),
        ("result", json.dumps(RESULT | {"d_min": "x", "unit_cell": [1, 2]}), "result.unit_cell, result.d_min"),
    ],
)  # fmt: skip
def test_what_is_damaged_is_named_and_the_rest_is_known(queue, tmp_path, column, value, named):
    change(tmp_path, "lyso", **{column: value})
    job = queue.named("lyso")
    assert ", ".join(job.damaged) == named
    assert named in job.damage
    assert (job.name, job.state, job.path) == ("lyso", JobState.processed, "/data/lyso_####.cbf")
    if "d_min" in named:
        assert job.result == RESULT | {"d_min": None, "unit_cell": None}


@given(st.dictionaries(st.sampled_from(COLUMNS), ODD, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_row_says_the_others_are_shown(queue, tmp_path, columns):
    change(tmp_path, "lyso", **columns)
    assert {job.name for job in queue.rows()} == {"lyso", "other"}
    assert {job.name for job in queue.overview.list.find(SweepQuery()).jobs} == {"lyso", "other"}
    assert sum(queue.overview.tally().values()) == sum(queue.overview.list.tally().values()) == 2
    assert story_lines(queue.named("lyso"))
    assert status_table(Queue.of(queue), 120)


def test_a_sweep_of_which_not_all_is_known_is_not_processed_but_set_aside(queue, tmp_path):
    queue.add(found("new"))
    queue.add(found("next"))
    change(tmp_path, "new", parameters="{")
    job = queue.claim("me", 60.0)
    assert job is not None
    assert job.name == "next"
    aside = queue.named("new")
    assert aside.state is JobState.set_aside
    assert "parameters" in aside.error
    assert "--output" in aside.hint


def test_an_earlier_result_that_is_damaged_is_in_nobodys_way(queue, tmp_path):
    change(tmp_path, "lyso", result="{", settings="[")
    queue.reprocess("lyso", {})
    job = queue.claim("me", 60.0)
    assert job is not None
    assert job.name == "lyso"


def test_programs_that_say_odd_things_are_nobody(queue, tmp_path):
    db = sqlite3.connect(queue_path(Outputs(tmp_path)))
    db.execute("INSERT INTO programs VALUES ('x:1:1', '{', 'never', 'some')")
    db.execute("INSERT INTO programs VALUES ('y:1:1', '[1', 0, 'some')")
    db.execute("INSERT INTO arriving VALUES ('y:1:1', '/a', 'a', 'many', '', 'soon')")
    db.commit()
    db.close()
    assert queue.programs.watched() == []
    assert queue.programs.arriving() == []
    assert queue.programs.n_arriving == 0
