from __future__ import annotations

import once
import pytest
from once import made_once


class Factory:
    """Of temporary folders, as pytest has it."""

    def __init__(self, folder):
        self._folder = folder

    def getbasetemp(self):
        return self._folder


def counted(calls):
    def make(folder):
        calls.append(folder)
        (folder / "image").write_text("pixels")
        return {"image": folder / "image"}

    return make


@pytest.fixture
def workers(tmp_path, monkeypatch):
    """Begin to be one of the suite's processes."""

    def become(name):
        monkeypatch.setattr(once, "_made", {})
        monkeypatch.setenv("PYTEST_XDIST_WORKER", name)
        return Factory(tmp_path / f"popen-{name}")

    return become


def test_another_process_finds_what_was_made(workers):
    calls = []
    first = made_once(workers("gw0"), "a sweep", counted(calls))
    second = made_once(workers("gw1"), "a sweep", counted(calls))
    assert len(calls) == 1
    assert second == first
    assert second["image"].read_text() == "pixels"


def test_in_one_process_it_is_the_same_object(workers):
    factory = workers("gw0")
    assert made_once(factory, "a sweep", counted([])) is made_once(factory, "a sweep", counted([]))


def test_others_are_made_apart(workers):
    calls = []
    factory = workers("gw0")
    made = [made_once(factory, what, counted(calls)) for what in ("a sweep", "another sweep")]
    assert len(calls) == 2
    assert made[0] != made[1]


def test_one_process_alone_keeps_to_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    made = made_once(Factory(tmp_path / "own"), "a sweep", counted([]))
    assert made["image"].is_relative_to(tmp_path / "own")


def test_what_could_not_be_made_is_tried_again(workers):
    def fail(folder):
        raise ValueError("no sweep")

    factory = workers("gw0")
    with pytest.raises(ValueError, match="no sweep"):
        made_once(factory, "a sweep", fail)
    assert made_once(factory, "a sweep", lambda folder: "a sweep") == "a sweep"
