"""Questions to a queue that another program holds: answered soon, however many wait."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import contextmanager

import pytest
from queued import finished, found, queue_in
from served import browser_of, token_of

from autoproc.dashboard import reader
from autoproc.dashboard.access.guard import TOKEN_FIELD, TOKEN_HEADER
from autoproc.service.job_queue.job import JobState
from autoproc.service.queue_file import queue_path
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "bad", status="failed", error="no spots", verdict=None)
    queue.add(found("waiting"))
    yield queue
    queue.close()


@contextmanager
def held(output):
    """Another program is within a transaction that does not end."""
    db = sqlite3.connect(queue_path(Outputs(output)), isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("ROLLBACK")
    db.close()


@pytest.mark.parametrize("path", ["bad/retry", "bad/reprocess", "waiting/cancel", "waiting/first"])
def test_what_is_asked_of_a_queue_that_is_held_is_refused_and_can_be_tried_again(queue, tmp_path, monkeypatch, path):
    monkeypatch.setattr(reader, "PATIENCE", 0.05)
    with browser_of(tmp_path) as client:
        token = token_of(client)
        with held(tmp_path):
            page = client.post(f"/sweeps/{path}", data={TOKEN_FIELD: token})
            told = client.post(f"/api/sweeps/{path}", headers={TOKEN_HEADER: token}, json={})
            assert (page.status_code, told.status_code) == (503, 503)
            assert "try again" in page.text
            assert "try again" in told.json()["hint"]
            assert client.get("/sweeps/bad").status_code == 200
        assert client.post(f"/sweeps/{path}", data={TOKEN_FIELD: token}).status_code == 303
        assert queue.named("bad" if "bad" in path else "waiting").state is not JobState.failed


def test_who_has_waited_for_others_waits_no_longer_for_the_file(monkeypatch):
    allowed = []

    class Queue:
        def require_file(self):
            """It is there."""

        def wait_at_most(self, seconds):
            allowed.append(seconds)

        def close(self):
            """Nothing to do."""

    async def asked():
        questions = reader.QueueReader(Queue)
        await asyncio.gather(questions.ask(lambda _: blocked.wait(0.2)), questions.ask(lambda _: None))
        questions.close()

    blocked = threading.Event()
    asyncio.run(asked())
    assert allowed[0] <= reader.PATIENCE
    assert allowed[1] < reader.PATIENCE - 0.1
