"""Files for pages: replaced now and then, whole at any moment, gone with their program."""

from __future__ import annotations

import json
import os

import pytest
from watched import Clock

from autoproc.service.following.followed import Followed
from autoproc.service.following.live_folder import LEAST_INTERVAL, LINGERING, PULSE, LiveFolder, key_of
from autoproc.service.results.outputs import Outputs

PATH = "/data/x_####.cbf"


@pytest.fixture
def outputs(tmp_path):
    outputs = Outputs(tmp_path)
    outputs.make_folders()
    return outputs


@pytest.fixture
def clock():
    return Clock(0.0)


@pytest.fixture
def live(outputs, clock):
    return LiveFolder(outputs, clock)


def there(live, path=PATH):
    file = live.folder / f"{key_of(path)}.json"
    return json.loads(file.read_text()) if file.exists() else None


def test_a_sweep_is_told_once_it_is_known(live):
    live.tell(Followed(PATH, "x"))
    assert there(live) is None
    live.poll()
    assert (there(live)["name"], there(live)["key"], there(live)["sweep"]) == ("x", key_of(PATH), "")
    assert [name for name in os.listdir(live.folder) if name.endswith(".part")] == []


def test_it_is_told_anew_at_most_once_a_second(live, clock):
    one = Followed(PATH, "x")
    live.tell(one)
    live.poll()
    one.come(7)
    live.tell(one)
    live.poll()
    assert there(live)["n_there"] == 0
    clock.now += LEAST_INTERVAL
    live.poll()
    assert there(live)["n_there"] == 7


def test_it_is_written_though_nothing_happens(live, clock):
    live.tell(Followed(PATH, "x"))
    live.poll()
    before = os.stat(live.folder / f"{key_of(PATH)}.json").st_ino, there(live)
    clock.now += PULSE
    live.poll()
    assert os.stat(live.folder / f"{key_of(PATH)}.json").st_ino != before[0]
    assert there(live)["heard_at"] == before[1]["heard_at"]


def test_who_is_processed_is_led_on_to_for_a_while(live, clock):
    live.tell(Followed(PATH, "x"))
    live.lead_on(PATH, "x_2")
    assert there(live)["sweep"] == "x_2"
    clock.now += LINGERING
    live.poll()
    assert there(live) is None


def test_the_same_path_followed_anew_is_another_sweep(live, clock):
    live.tell(Followed(PATH, "x"))
    live.lead_on(PATH, "x")
    again = Followed(PATH, "x")
    again.come(3)
    live.tell(again)
    clock.now += LINGERING
    live.poll()
    assert (there(live)["sweep"], there(live)["n_there"]) == ("", 3)


def test_who_is_let_go_is_forgotten(live):
    for path in (PATH, "/data/y_####.cbf"):
        live.tell(Followed(path, "x"))
        live.poll()
    live.forget(PATH)
    assert there(live) is None
    live.close()
    assert os.listdir(live.folder) == []


def test_what_a_program_has_left_that_is_gone_is_removed(outputs, live):
    live.tell(Followed(PATH, "x"))
    live.poll()
    facts = there(live)
    dead = facts["program"].rpartition(":")[0] + ":0"
    (live.folder / "0123456789abcdef.json").write_text(json.dumps(facts | {"program": dead}))
    (live.folder / "0123456789abcdee.json").write_text("half of")
    LiveFolder(outputs)
    assert os.listdir(live.folder) == [f"{key_of(PATH)}.json"]


def test_a_disk_that_is_full_stops_nobody(outputs, clock):
    live = LiveFolder(outputs, clock)
    live.folder.write_text("no folder")
    live.tell(Followed(PATH, "x"))
    live.poll()
    live.lead_on(PATH, "x")
    live.close()
