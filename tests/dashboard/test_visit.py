"""The visit's page shows what the queue holds, and goes on from where it stands."""

from __future__ import annotations

import pytest
from queued import RESULT, begun, finished, found, queue_in
from served import browser_of
from starlette.testclient import TestClient

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.params import ServeParams
from autoproc.service.job_queue.job import JobState
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def output(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "lyso")
    finished(queue, "<b>bold</b>", status="failed", error="no spots", verdict=None)
    queue.add(found("waiting"))
    queue.close()
    return tmp_path


@pytest.fixture
def client(output):
    keys = keys_of(Outputs(output))
    with TestClient(dashboard(Outputs(output), ServeParams(), keys), base_url="http://127.0.0.1") as client:
        client.get("/", params={"token": keys.token})
        yield client


def test_the_page_has_a_row_a_sweep(client):
    page = client.get("/").text
    assert "P 21 21 21" in page
    assert "waiting" in page


def test_names_are_text(client):
    assert "<b>bold" not in client.get("/").text


def test_programs_are_told_the_same(client):
    facts = client.get("/api/sweeps").json()
    assert facts["n_found"] == len(facts["rows"]) == 3
    assert {"lyso", "waiting"} < {row["name"] for row in facts["rows"]}
    assert {view: n for view, n in facts["counts"].items() if n} == {"all": 3, "good": 1, "failed": 1, "waiting": 1}
    assert facts["number"] > 0


@pytest.mark.parametrize(
    "asked", ["sort=nonsense", "page=-1", "page=1e9", "page=99999999999999999999", "way=%00", "q=%00", "q=%F0%9F%92%A9"]
)
def test_what_is_asked_in_error_is_left_out(client, asked):
    assert client.get(f"/api/sweeps?{asked}").status_code == 200


def test_a_sweep_has_its_page(client):
    assert client.get("/sweeps/lyso").status_code == 200


def test_a_sweep_that_is_not_there_is_said(client):
    answer = client.get("/sweeps/lysi")
    assert answer.status_code == 404
    assert "there is no sweep lysi" in answer.text


@pytest.fixture
def grouped(output):
    """A wedge of a group that has settled its completeness, but not its damage."""
    queue = queue_in(output)
    queue.cancel("waiting")
    said = {"completeness": "completeness: 60%", "B": "B grows by 17 A^2"}
    doubts = [{"name": name, "verdict": "look", "says": words, "lacks": ""} for name, words in said.items()]
    finished(queue, "x_1", verdict="look", look_at=list(said), doubts=doubts, warnings=list(said.values()))
    queue.add(found("combined/x", kind="combined"))
    queue.finish(begun(queue), JobState.processed, RESULT | {"members": {"x_1": 1, "x_2": 1}, "left_out": ["x_2"]}, {})
    standing = {"name": "combined/x", "words": "part of combined/x, which is complete", "settled": ["completeness"],
                "verdict": "look"}  # fmt: skip
    queue.membership.tell("combined/x", {"x_1": 1}, {"x_1": standing})
    queue.close()


def test_a_wedge_leads_to_its_group_and_back(grouped, client):
    page = client.get("/").text
    assert 'look closer: B; part of <a href="/sweeps/combined/x">combined/x</a>, which is complete' in page
    assert 'of <a href="/sweeps/x_1">x_1</a>, <a href="/sweeps/x_2">x_2</a> (left out)' in page
    rows = {row["name"]: row for row in client.get("/api/sweeps").json()["rows"]}
    assert (rows["x_1"]["group"], rows["x_1"]["lamp"], rows["x_1"]["members"]) == ("combined/x", "look", [])
    assert rows["combined/x"]["members"] == ["x_1", "x_2"]
    assert rows["combined/x"]["left_out"] == ["x_2"]


def test_the_page_of_a_wedge_leads_to_its_group(grouped, client):
    page = client.get("/sweeps/x_1").text
    assert '<b>Group:</b> part of <a href="/sweeps/combined/x">combined/x</a>, which is complete' in page
    assert 'Of 2 sweeps: <a href="/sweeps/x_1">x_1</a>' in client.get("/sweeps/combined/x").text


def test_a_sweep_that_waits_says_what_lacks(tmp_path):
    queue = queue_in(tmp_path)
    queue.add(found("tau", state="partial", reason="40 of 90 images are there"))
    queue.close()
    with browser_of(tmp_path) as client:
        for path in ("/", "/sweeps/tau"):
            assert "partial: 40 of 90 images are there" in client.get(path).text
