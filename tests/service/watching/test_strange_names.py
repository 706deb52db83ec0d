"""Names of files with anything in them: the queue takes them, and whoever looks at it is shown no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoproc.legible import legible_lines
from autoproc.service.index_page import page_of
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.status import Queue, status_table, story_lines
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages


def sweep(name: str) -> FoundSweep:
    return FoundSweep(Path("/data/x_#.cbf"), "cbf", (1, 9), 9, "mark", "partial", name, name, "/data", 1000.0)


NAMES = st.text(st.characters(exclude_characters="\0") | st.characters(categories=["Cs"]), min_size=1)


@settings(max_examples=30, deadline=None)
@given(text=NAMES)
@example(text="caf\udce9_0001.cbf is damaged")
@example(text="\ud800 half of a character")
def test_whatever_strangers_call_their_files_the_queue_takes_and_gives(tmp_path_factory, text):
    queue = JobQueue(tmp_path_factory.mktemp("queue") / "queue.sqlite")
    try:
        queue.add(sweep(text))
        queue.list_images(ListedImages(Path("/data/y.cbf"), 1, "unreadable", text))
        job = queue.claim("me", 60.0)
        assert job is not None
        assert queue.heartbeat(job, 60.0, text)
        assert queue.release(job, text)
        job = queue.claim("me", 60.0)
        result = {"status": "failed", "error": text, "hint": text, "retryable": False}
        assert queue.finish(job, JobState.failed, result, {})
        rows = queue.rows()
        assert rows[0].result["error"] == text
        assert {rows[0].partial, rows[0].error, rows[0].hint} <= {text, text.encode("utf-8", "replace").decode()}
        json.dumps([row.facts() for row in rows]).encode()
        for row in rows:
            "\n".join(map(legible_lines, story_lines(row))).encode()
        page_of(rows, Path("/results"))
        status_table(Queue(rows), 200)
    finally:
        queue.close()


@pytest.mark.parametrize("name", ["index.html", ".autoproc", "-rf", "..", "a/../../b"])
def test_a_sweep_called_like_what_is_not_its_own_has_another_name(tmp_path, name):
    queue = JobQueue(tmp_path / "queue.sqlite")
    queue.add(sweep(name))
    (job,) = queue.rows()
    queue.close()
    assert job.name != name
    assert (Path("/results") / job.name).parent == Path("/results")
