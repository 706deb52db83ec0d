"""Whatever goes wrong is explained, to people on a page and to programs as JSON."""

from __future__ import annotations

import sqlite3

import pytest
from queued import finished, queue_in
from served import browser_of
from starlette.testclient import TestClient

from autoproc.dashboard.kept_back import without_folders
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


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/tmp/visit/stages/scaled.refl is damaged", "…/scaled.refl is damaged"),
        ("'/tmp/visit/processed/x/summary.json'", "'…/summary.json'"),
        ("in /usr/lib/python3/site.py, line 3", "in …/site.py, line 3"),
        ("not as /api/openapi.json describes it", "not as /api/openapi.json describes it"),
        ("see docs/parameters.md or https://somewhere/tmp/a", "see docs/parameters.md or https://somewhere/tmp/a"),
        ("1/2 of /tmp", "1/2 of /tmp"),
    ],
)
def test_folders_of_the_server_are_not_told(said, shown):
    assert without_folders(said) == shown


@pytest.mark.parametrize("path", ["/sweeps/xx", "/sweeps/xx/images/facts", "/api/sweeps/xx", "/sweeps/xx/lattice"])
def test_nobody_is_told_where_the_queue_lies(client, tmp_path, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "there is no sweep xx" in answer.text
    assert str(tmp_path) not in answer.text
    assert "sqlite" not in answer.text


@pytest.mark.parametrize("path", ["/sweeps/x", "/api/sweeps/x", "/sweeps/x/images/facts"])
def test_a_file_that_cannot_be_read_is_named_without_its_folder(client, monkeypatch, tmp_path, path):
    async def fails(self, question):
        raise PermissionError(13, "Permission denied", str(tmp_path / "secret place" / "x.json"))

    monkeypatch.setattr(QueueReader, "ask", fails)
    answer = client.get(path)
    assert answer.status_code == 503
    assert "x.json" in answer.text
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/sweeps/x/", "/sweeps/x/nothing/at/all", "/static/none.js", "/api/none"])
def test_an_address_that_leads_nowhere_is_answered_with_a_way_back(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert answer.json() == {"error": f"there is nothing at {path}", "hint": answer.json()["hint"]}
    else:
        assert f"there is nothing at {path}" in answer.text.lower()
        assert 'href="/"' in answer.text


def test_what_an_address_says_is_no_markup(client):
    answer = client.get("/%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
