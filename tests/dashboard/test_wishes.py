"""Retry, cancel, reprocess and priorities: by form and by program, with the same refusals."""

from __future__ import annotations

import pytest
from queued import finished, found, queue_in
from served import browser_of, token_of

from autoproc.dashboard.access.guard import TOKEN_FIELD, TOKEN_HEADER
from autoproc.dashboard.wishes import BadParameters, changes_in


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "good")
    finished(queue, "bad", status="failed", error="no spots", verdict=None)
    for name in ("waiting", "later"):
        queue.add(found(name))
    yield queue
    queue.close()


@pytest.fixture
def client(tmp_path, queue):
    with browser_of(tmp_path) as client:
        yield client


def posted(client, path, **fields):
    return client.post(path, data={TOKEN_FIELD: token_of(client), **fields})


def asked(client, path, body=None):
    return client.post(f"/api/sweeps/{path}", headers={TOKEN_HEADER: token_of(client)}, json=body)


@pytest.mark.parametrize(
    ("verb", "name", "state"),
    [("retry", "bad", "queued"), ("cancel", "waiting", "cancelled"), ("first", "later", "queued")],
)
def test_a_button_does_it_and_goes_back(client, queue, verb, name, state):
    answer = posted(client, f"/sweeps/{name}/{verb}", back="/?verdict=look&page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?verdict=look&page=2")
    assert queue.named(name).state == state


@pytest.mark.parametrize(
    "back", ["http://[evil/", "//evil.example/", "http://evil.example/", "/\\evil", "javascript:1"]
)
def test_a_way_back_that_is_none_leads_home(client, queue, back):
    answer = posted(client, "/sweeps/bad/retry", back=back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("verb", ["retry", "cancel", "first", "reprocess"])
def test_nothing_is_done_without_the_token(client, queue, verb):
    before = queue.changes.latest
    assert client.post(f"/sweeps/bad/{verb}").status_code == 403
    assert client.post(f"/api/sweeps/bad/{verb}").status_code == 403
    assert queue.changes.latest == before


@pytest.mark.parametrize("verb", ["retry", "cancel", "first"])
def test_looking_does_nothing(client, queue, verb):
    before = queue.changes.latest
    assert client.get(f"/sweeps/waiting/{verb}").status_code in (404, 405)
    assert queue.changes.latest == before


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", "", "/\n/x"]
)
def test_the_way_back_leads_to_no_other_server(client, back):
    assert posted(client, "/sweeps/waiting/cancel", back=back).headers["location"] == "/"


@pytest.mark.parametrize(
    ("path", "status"),
    [("good/retry", 409), ("good/cancel", 409), ("good/first", 409), ("nowhere/retry", 404), ("good/priority", 409)],
)
def test_what_cannot_be_done_is_said(client, path, status):
    answer = asked(client, path)
    assert answer.status_code == status
    assert path.split("/")[0] in answer.json()["error"]


def test_the_first_is_the_next(client, queue):
    assert asked(client, "later/first").json()["words"] == "goes first"
    assert asked(client, "waiting/first").status_code == 200
    assert [queue.claim("me", 9.0).name for _ in range(2)] == ["waiting", "later"]


def test_a_priority_puts_a_sweep_behind_others(client, queue):
    assert asked(client, "waiting/priority", {"priority": -1}).json()["priority"] == -1
    assert queue.claim("me", 9.0).name == "later"


@pytest.mark.parametrize(
    ("path", "body"),
    [("waiting/priority", {"priority": "much"}), ("good/reprocess", {"parameters": {"scale.d_minn": "2"}}),
     ("good/reprocess", {"parameter": {}}), ("good/reprocess", {"parameters": {"scale.d_min": "x"}}),
     ("good/reprocess", {"parameters": {"service.on_success": "touch,x"}}),
     ("good/reprocess", [])],
)  # fmt: skip
def test_what_is_asked_in_error_is_refused_with_the_reason(client, queue, path, body):
    before = queue.changes.latest
    answer = asked(client, path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert queue.changes.latest == before


def test_a_program_processes_a_sweep_anew(client, queue):
    row = asked(client, "good/reprocess", {"parameters": {"scale.d_min": "1.8"}}).json()
    assert row["state"] == "queued"
    assert queue.named("good").parameters == {"scale.d_min": "1.8"}


def test_a_form_processes_a_sweep_anew(client, queue):
    assert "scale.d_min" in client.get("/sweeps/good/reprocess").text
    answer = posted(client, "/sweeps/good/reprocess", parameters="scale.d_min=1.8\r\nsymmetry.space_group=P 1\r\n")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sweeps/good")
    assert queue.named("good").parameters == {"scale.d_min": "1.8", "symmetry.space_group": "P 1"}


def test_a_form_in_error_comes_back_with_what_was_typed(client, queue):
    answer = posted(client, "/sweeps/good/reprocess", parameters="scale.d_minn=<b>")
    assert answer.status_code == 400
    assert "scale.d_minn=&lt;b&gt;" in answer.text
    assert queue.named("good").state == "processed"


def test_all_that_is_known_of_a_sweep_is_told(client):
    facts = client.get("/api/sweeps/bad").json()
    assert (facts["state"], facts["error"]) == ("failed", "no spots")
    assert client.get("/api/sweeps/nowhere").status_code == 404


def test_parameters_are_words_or_lines():
    assert changes_in("a.b=1 c.d=2\n\n e.f = P 43 \n") == {"a.b": "1", "c.d": "2", "e.f": "P 43"}
    with pytest.raises(BadParameters, match="nonsense"):
        changes_in("nonsense")
