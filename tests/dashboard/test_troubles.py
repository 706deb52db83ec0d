"""Whatever goes wrong is explained, to people on a page and to programs as JSON."""

from __future__ import annotations

import sqlite3

import pytest
from queued import finished, queue_in
from served import browser_of
from starlette.testclient import TestClient

from autoproc.dashboard.reader import QueueReader
from autoproc.dashboard.troubles import FileAway, QueueAway, Unforeseen, explained, status_of
from autoproc.errors import AutoprocError

KINDS = [
    (sqlite3.OperationalError("database is locked"), QueueAway, 503, "database is locked"),
    (PermissionError(13, "Permission denied"), FileAway, 503, "Permission denied"),
    (KeyError("wilson_b"), Unforeseen, 500, "wilson_b"),
    (RecursionError("too deep"), Unforeseen, 500, "too deep"),
]


@pytest.fixture
def client(tmp_path, monkeypatch):
    queue = queue_in(tmp_path)
    finished(queue, "x")
    queue.close()
    with browser_of(tmp_path) as client:
        client._transport.raise_server_exceptions = False
        yield client


@pytest.mark.parametrize(("error", "kind", "status", "words"), KINDS)
def test_each_is_told_as_what_it_is(error, kind, status, words):
    said = explained(error)
    assert type(said) is kind
    assert status_of(said) == status
    assert words in said.message
    assert said.advice


def test_our_own_errors_speak_for_themselves():
    error = AutoprocError(message="so it is")
    assert explained(error) is error


@pytest.mark.parametrize(("error", "kind", "status", "words"), KINDS)
@pytest.mark.parametrize("path", ["/", "/api/sweeps", "/sweeps/x"])
def test_pages_and_programs_are_told(client: TestClient, monkeypatch, path, error, kind, status, words):
    async def fails(self, question):
        raise error

    monkeypatch.setattr(QueueReader, "ask", fails)
    answer = client.get(path)
    assert answer.status_code == status
    if path.startswith("/api/"):
        assert words in answer.json()["error"]
        assert answer.json()["hint"]
    else:
        assert "<html" in answer.text
        assert words in answer.text
