"""What programs are told: the interface's description holds, numbers for Prometheus, health, the key."""

from __future__ import annotations

import re

import pytest
from queued import begun, finished, found, queue_in
from served import browser_of
from starlette.routing import Route
from starlette.testclient import TestClient

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.facts import Refusal, SweepFacts, VisitFacts
from autoproc.dashboard.openapi import description
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs

LINE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? -?[0-9.e+-]+')


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "good", isa=25.0)
    finished(queue, "bad", status="failed", error="no spots", verdict=None)
    queue.add(found("running"))
    begun(queue)
    queue.add(found("waiting"))
    yield queue
    queue.close()


@pytest.fixture
def client(tmp_path, queue):
    with browser_of(tmp_path) as client:
        yield client


def test_the_description_is_one():
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(description())


def test_it_is_served(client):
    assert client.get("/api/openapi.json").json() == description()


def test_each_address_of_it_is_there(client):
    there = [route for route in client.app.routes if isinstance(route, Route)]
    routes = {(route.path.replace(":path", ""), method) for route in there for method in route.methods}
    for path, operations in description()["paths"].items():
        assert {(path, method.upper()) for method in operations} <= routes


def test_answers_are_as_it_describes_them(client):
    VisitFacts.model_validate(client.get("/api/sweeps").json(), strict=True)
    for row in client.get("/api/sweeps").json()["rows"]:
        SweepFacts.model_validate(row, strict=True)
    Refusal.model_validate(client.get("/api/sweeps/nowhere").json(), strict=True)


def test_prometheus_can_read_the_numbers(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert all(line.startswith("# ") or LINE.fullmatch(line) for line in lines)
    assert 'autoproc_sweeps{state="processed",verdict="good"} 1' in lines
    assert "autoproc_at_work 0" in lines


def test_it_is_healthy_while_there_is_a_queue(client, tmp_path):
    assert client.get("/healthz").status_code == 200
    (tmp_path / ".autoproc" / "queue.sqlite").rename(tmp_path / "away")
    assert client.get("/healthz").status_code == 503
    assert client.get("/").status_code == 503
    assert client.get("/api/sweeps").json()["hint"]


def test_a_program_with_the_key_needs_no_browser(tmp_path, queue):
    keys = keys_of(Outputs(tmp_path))
    with TestClient(dashboard(Outputs(tmp_path), ServeParams(), keys), base_url="http://127.0.0.1") as client:
        headers = {"authorization": f"Bearer {keys.program_key}"}
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
        assert client.get("/metrics", headers=headers).status_code == 200
        assert client.post("/api/sweeps/waiting/cancel", headers=headers).json()["state"] == "cancelled"
