"""Sweeps while they are collected, as pages and programs are told of them."""

from __future__ import annotations

import json
import os

import pytest
from queued import queue_in
from served import browser_of

from autoproc.dashboard import live_sweeps
from autoproc.dashboard.live_sweeps import LiveSweeps
from autoproc.service.following.followed import Followed
from autoproc.service.following.live_folder import LiveFolder, key_of
from autoproc.service.results.outputs import Outputs

PATH = "/data/x_####.cbf"


@pytest.fixture
def live(tmp_path):
    queue_in(tmp_path).close()
    return LiveFolder(Outputs(tmp_path))


@pytest.fixture
def client(tmp_path, live):
    with browser_of(tmp_path) as client:
        yield client


def tell(live, path=PATH, name="x", n_images=3, **changes):
    one = Followed(path, name)
    images = [(n, 50, 2.0, 1, 1, 3.0) for n in range(1, n_images + 1)]
    said = {
        "n_there": n_images,
        "n_planned": 90,
        "n_waiting": 0,
        "n_integrated": 0,
        "every": 1,
        "width": 0.1,
        "images": images,
    }
    one.take([{"message": "followed"} | said | changes])
    live.tell(one)
    live.poll()
    return live.folder / f"{key_of(path)}.json"


def test_all_are_told_and_each(client, live):
    assert client.get("/api/live").json() == {"sweeps": []}
    tell(live)
    tell(live, "/data/a_####.cbf", "a")
    told = client.get("/api/live").json()["sweeps"]
    assert [one["name"] for one in told] == ["a", "x"]
    assert client.get(f"/api/live/{key_of(PATH)}").json() == told[1]
    assert told[1]["curves"]["n_spots"] == [50.0, 50.0, 50.0]
    assert "program" not in told[1]


def test_who_has_it_is_not_told_again(client, live):
    tell(live)
    first = client.get("/api/live")
    mark = {"if-none-match": first.headers["etag"]}
    assert (client.get("/api/live", headers=mark).status_code, client.get("/api/live", headers=mark).content) == (
        304, b"",
    )  # fmt: skip
    tell(LiveFolder(Outputs(live.folder.parent.parent)), n_images=4)
    again = client.get("/api/live", headers=mark)
    assert (again.status_code, again.json()["sweeps"][0]["n_there"]) == (200, 4)


@pytest.mark.parametrize("key", [key_of("/data/other.h5"), "0" * 500, "%2e%2e%2fqueue.sqlite", "x.json"])
def test_what_is_not_followed_is_not_there(client, live, key):
    tell(live)
    answer = client.get(f"/api/live/{key}")
    assert answer.status_code == 404
    assert client.get(f"/live/{key}").status_code == 404


def test_the_page_has_its_name_in_letters_that_may_be_shown(client, live):
    tell(live, name="<b>\x1b[31mx")
    page = client.get(f"/live/{key_of(PATH)}").text
    assert "&lt;b&gt;" in page
    assert "<b>\x1b" not in page
    assert "\x1b" not in client.get("/api/live").json()["sweeps"][0]["name"]


def changed(text, **changes):
    return json.dumps(json.loads(text) | changes)


@pytest.mark.parametrize(
    "damaged",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[" * 10_000,
        lambda text: changed(text, key=key_of("/data/another")),
        lambda text: changed(text, curves={"per_point": 1}),
        lambda text: changed(text, more=1),
        lambda text: changed(text, name="x" * live_sweeps.LARGEST),
    ],
)
def test_files_that_say_something_else_are_passed_over(client, live, damaged):
    tell(live, "/data/sound.h5", "sound")
    file = tell(live)
    file.write_text(damaged(file.read_text()))
    for _ in range(2):
        assert [one["name"] for one in client.get("/api/live").json()["sweeps"]] == ["sound"]


def test_links_and_pipes_are_not_followed(client, live, tmp_path):
    file = tell(live)
    elsewhere = tmp_path / "elsewhere.json"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert client.get("/api/live").json() == {"sweeps": []}
    file.unlink()
    os.mkfifo(file)
    assert client.get("/api/live").json() == {"sweeps": []}


def test_a_folder_that_is_a_link_is_not_followed(client, live, tmp_path):
    tell(live)
    live.folder.rename(tmp_path / "elsewhere")
    live.folder.symlink_to(tmp_path / "elsewhere")
    assert client.get("/api/live").json() == {"sweeps": []}


def test_what_a_program_tells_that_is_gone_is_not_told(client, live):
    file = tell(live)
    facts = json.loads(file.read_text())
    file.write_text(json.dumps(facts | {"program": facts["program"].rpartition(":")[0] + ":0"}))
    assert client.get("/api/live").json() == {"sweeps": []}


def test_what_was_said_long_ago_is_not_told(client, live):
    file = tell(live)
    long_ago = os.stat(file).st_mtime - 2 * live_sweeps.SILENCE
    os.utime(file, (long_ago, long_ago))
    assert client.get("/api/live").json() == {"sweeps": []}


def test_a_file_is_read_once_for_all_who_ask(live, tmp_path, monkeypatch):
    tell(live)
    reads, told = [], live_sweeps._told
    monkeypatch.setattr(live_sweeps, "_told", lambda *said: reads.append(1) or told(*said))
    sweeps = LiveSweeps(tmp_path / ".autoproc" / "live")
    for _ in range(5):
        assert len(sweeps.all()) == 1
    assert len(reads) == 1
    tell(LiveFolder(Outputs(tmp_path)), n_images=5)
    sweeps.all()
    assert len(reads) == 2
