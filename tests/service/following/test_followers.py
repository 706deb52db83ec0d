"""Whatever becomes of who follows a sweep, the sweep is processed: by workers that do what their sweep's name says."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from queue_for_tests import GIGABYTE, SHARES, Service, children, found, result_of
from watched import Clock

from autoproc.config import Config, with_command_line
from autoproc.service.events import event_lines
from autoproc.service.executing import local, worker
from autoproc.service.following.followers import HUNG, KEPT, LOST, MOST_FAILED, Followers
from autoproc.service.following.live_folder import LiveFolder
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.programs_at_work import Arriving


def follow_fake(order, send, lines, processing):
    """As follow_sweep. The name of a sweep may begin with what is to go wrong."""
    kind = Path(order.path).stem.partition("_")[0]
    if kind != "hang":
        send(
            "followed",
            n_there=1,
            n_planned=9,
            n_waiting=0,
            n_integrated=0,
            every=1,
            width=5.0,
            images=[[1, 50, 2.0, 0, 0, 1.0]],
        )
    match kind:
        case "die":
            os.write(2, b"it was too much\n")
            os._exit(7)
        case "hang":
            time.sleep(60)
        case "flood":
            while True:
                send("followed", n_there=1, n_planned=None, n_waiting=0, n_integrated=0, every=1, width=0.5, images=[])
        case "deaf":
            time.sleep(60)
        case "provisional":
            send("provisional", words="so far: little", report={})
        case "probe":
            report = {"rotation": 15.0, "n_images": 30}
            send("probed", light="stop", words=["no lattice"], report=report)
    return lines.get(), {}


class Hall:
    """A service whose sweeps come image by image, and who follows them."""

    def __init__(self, tmp_path, n_followed=1, helps=True, shares=SHARES):
        self.images = tmp_path / "images"
        self.images.mkdir()
        self.service = Service(tmp_path / "out", shares=shares)
        self.clock = Clock(1000.0)
        self.coming = {}
        config = with_command_line(Config(), {"watch.n_followed": str(n_followed)})
        self.live = LiveFolder(self.service.outputs, self.clock)
        self.followers = Followers(
            lambda: list(self.coming.values()), config, self.service.local, self.live, self.service.hear, helps,
            self.clock,
        )  # fmt: skip

    def path(self, name):
        return self.images / f"{name}.img"

    def grow(self, name, n_images, seconds=1.0):
        """So many images of a sweep are there, a while later."""
        path = str(self.path(name))
        self.coming[path] = Arriving(path, name, n_images, "more to come", None)
        self.turn(seconds)

    def turn(self, seconds=1.0):
        self.clock.now += seconds
        self.followers.poll()

    def until(self, condition, seconds=0.0):
        deadline = time.monotonic() + 10.0
        while not condition():
            assert time.monotonic() < deadline
            self.turn(seconds)
            time.sleep(0.005)

    def complete(self, name):
        """All images of a sweep are there: it is processed."""
        path = self.path(name)
        path.write_text(f"images of {name}")
        self.coming.pop(str(path), None)
        self.service.intake.take(found(path))
        self.service.work()
        job = self.service.queue.named(name)
        assert job.state is JobState.processed
        assert (self.service.outputs.results(name) / "merged.mtz").read_bytes() == result_of(path.read_bytes())
        return job

    @property
    def followed(self):
        return [one.name for one in self.followers.told()]

    @property
    def said(self):
        return [event.facts["text"] for event in self.service.events if event.kind == "said"]

    def pids(self):
        return [one.worker.process.pid for one in self.followers._following.values()]


@pytest.fixture
def hall(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "follow_sweep", follow_fake)
    halls = []

    def made(**arguments):
        halls.append(Hall(tmp_path, **arguments))
        return halls[-1]

    yield made
    for one in halls:
        one.followers.close()
        one.service.close()


def is_there(pid):
    """Until its last thread has ended nobody can be told how it ended, though its first is a zombie already."""
    try:
        ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        return not ended or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def test_a_sweep_is_followed_from_its_second_image_and_told(hall):
    one = hall()
    one.grow("x", 1)
    assert one.followed == []
    one.grow("x", 2)
    assert one.followed == ["x"]
    one.until(lambda: one.followers.told()[0].images)
    (arriving,) = one.followers.seen()
    assert arriving.words == "50 spots an image, to 2.00 A; more to come"


def test_who_has_followed_it_processes_it_and_pages_are_led_on(hall):
    one = hall()
    one.grow("x", 1)
    one.grow("x", 2)
    one.until(lambda: one.followers.told()[0].images)
    (pid,) = one.pids()
    given = []
    take = one.service.local.follower
    one.service.local.follower = lambda order: given.append(take(order)) or given[-1]
    one.complete("x")
    assert [worker.process.pid for worker in given] == [pid]
    assert one.followed == []
    (file,) = one.live.folder.iterdir()
    assert '"sweep": "x"' in file.read_text()


def test_probes_are_events(hall):
    one = hall()
    one.grow("probe_1", 1)
    one.grow("probe_1", 2)
    one.until(lambda: one.service.told("probed"))
    (event,) = [event for event in one.service.events if event.kind == "probed"]
    assert event.facts == {"text": "after 15 degrees: no lattice", "light": "stop", "rotation": 15.0}


def test_what_a_sweep_comes_to_so_far_is_an_event(hall):
    one = hall()
    one.grow("provisional_1", 1)
    one.grow("provisional_1", 2)
    one.until(lambda: one.service.told("provisional"))
    one.until(lambda: True)
    (event,) = [event for event in one.service.events if event.kind == "provisional"]
    assert event_lines(event) == ["provisional_1: so far: little"]


def test_one_that_dies_is_begun_so_often_and_said(hall):
    one = hall()
    for n in range(1, 4 + MOST_FAILED):
        one.grow("die_1", n)
        one.until(lambda: not one.followed)
    assert len(one.said) == MOST_FAILED
    assert one.said[0] == "die_1: following it ended: it was too much: it is processed when it is complete"
    assert one.complete("die_1").crashes == 0


def test_one_that_dies_as_its_sweep_is_complete_costs_nothing(hall):
    one = hall()
    one.grow("x", 1)
    one.grow("x", 2)
    (pid,) = one.pids()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_there(pid))
    assert one.complete("x").crashes == 0
    assert one.followed == []


def test_one_that_hangs_is_let_go(hall):
    one = hall()
    one.grow("hang_1", 1)
    one.grow("hang_1", 2)
    one.turn(HUNG)
    assert one.followed == ["hang_1"]
    one.turn(1)
    assert "has said nothing for 61 s" in one.said[0]
    assert one.followed == []


def test_one_that_hangs_does_not_get_the_sweep(hall):
    one = hall()
    one.grow("hang_1", 1)
    one.grow("hang_1", 2)
    (pid,) = one.pids()
    one.clock.now += HUNG + 1
    path = str(one.path("hang_1"))
    order = type("Order", (), {"path": path, "name": "hang_1"})
    assert one.followers.take(order) is None
    assert not is_there(pid)


def test_one_that_does_not_hear_that_its_sweep_is_complete_loses_it_to_another(hall, monkeypatch):
    monkeypatch.setattr(local, "SILENT", 0.5)
    one = hall()
    one.grow("deaf_1", 1)
    one.grow("deaf_1", 2)
    one.until(lambda: one.followers.told()[0].images)
    (pid,) = one.pids()
    assert one.complete("deaf_1").crashes == 0
    assert not is_there(pid)


def test_who_follows_a_sweep_is_the_worker_that_waits_for_it(hall):
    one = hall(shares=replace(SHARES, n_workers=1))
    one.grow("x", 1)
    one.grow("x", 2)
    one.service.local.make_ready(0)
    assert one.service.local._idle == []
    one.service.local.make_ready(1)  # another sweep is to be processed
    assert len(one.service.local._idle) == 1


def test_where_sweeps_that_are_processed_need_the_memory_nobody_follows(hall, monkeypatch):
    one = hall()
    busy = [SimpleNamespace(most_memory=one.service.local.shares.all_memory)]
    monkeypatch.setattr(local.LocalExecutor, "at_work", property(lambda self: busy))
    one.grow("x", 1)
    one.grow("x", 2)
    one.turn()
    assert one.followed == []
    assert one.said == ["x: the sweeps that are processed need the memory: it is processed when it is complete"]


def test_one_that_waits_for_images_does_not_hang(hall):
    one = hall()
    one.grow("x", 1)
    one.grow("x", 2)
    one.until(lambda: one.followers.told()[0].images)
    one.turn(LOST / 2)
    one.grow("x", 3)
    one.turn(HUNG - 1)
    assert one.followed == ["x"]
    assert one.said == []


def test_one_that_does_not_stop_talking_is_let_go(hall):
    one = hall()
    one.grow("flood_1", 1)
    one.grow("flood_1", 2)
    one.until(lambda: not one.followed)
    assert "does not stop talking" in one.said[0]
    one.complete("x")


def test_one_that_takes_too_much_memory_is_let_go(hall):
    one = hall(shares=replace(SHARES, memory=1))
    one.grow("x", 1)
    one.grow("x", 2)
    one.turn()
    assert one.said[0].startswith("x: following it took 0.")
    assert one.followed == []
    one.service.local.shares = replace(SHARES, memory=4 * GIGABYTE)
    one.complete("x")


def test_no_worker_can_be_begun(hall, monkeypatch):
    one = hall()

    def refuse():
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(one.service.local, "spare", refuse)
    one.grow("x", 1)
    one.grow("x", 2)
    assert one.said == [
        "x: it cannot be followed (Resource temporarily unavailable): it is processed when it is complete"
    ]


def test_of_two_sweeps_the_first_is_followed_until_it_stands_still(hall):
    one = hall()
    for n in (1, 2, 3):
        one.grow("a", n)
        one.grow("b", n)
    assert one.followed == ["a"]
    one.until(lambda: one.followers.told()[0].images)
    for n in range(4, 6 + MOST_FAILED):  # each goes on whenever the other stands still: that is no fault of theirs
        for name in ("b", "a"):
            one.grow(name, n, KEPT)
            assert one.followed == [name]
            one.until(lambda: one.followers.told()[0].images)
    assert one.said == []
    one.complete("a")
    one.complete("b")


def test_two_are_followed_where_two_may_be(hall):
    one = hall(n_followed=2)
    for n in (1, 2):
        one.grow("a", n)
        one.grow("b", n)
    assert sorted(one.followed) == ["a", "b"]


def test_a_sweep_that_stands_still_and_goes_on_is_followed_on(hall):
    one = hall()
    one.grow("x", 1)
    one.grow("x", 2)
    pids = one.pids()
    one.until(lambda: one.followers.told()[0].images)
    one.turn(10 * KEPT)
    one.grow("x", 3)
    one.turn()
    assert one.pids() == pids
    one.complete("x")


def test_images_that_were_taken_away_keep_nobody(hall):
    one = hall()
    one.grow("x", 1)
    one.grow("x", 2)
    one.until(lambda: one.followers.told()[0].images)
    (pid,) = one.pids()
    one.coming.clear()
    one.turn(LOST - 5)
    assert one.followed == ["x"]  # it may wait for its turn
    one.turn(10)
    assert one.followed == []
    assert not is_there(pid)
    assert list(one.live.folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [{"helps": False}, {"n_followed": 0}])
def test_nobody_is_begun_where_it_helps_nobody(hall, arguments):
    one = hall(**arguments)
    one.grow("x", 1)
    one.grow("x", 2)
    assert one.followed == []
    assert [arriving.words for arriving in one.followers.seen()] == ["more to come"]
    one.complete("x")


def test_nobody_is_left_when_the_program_stops(hall):
    one = hall()
    one.grow("x", 1)
    one.grow("x", 2)
    (pid,) = one.pids()
    one.followers.close()
    assert not is_there(pid)


def test_a_program_that_is_killed_takes_its_followers_along_and_nothing_is_lost(hall, tmp_path):
    before = os.fork()
    if not before:
        one = hall()
        one.grow("x", 1)
        one.grow("x", 2)
        (tmp_path / "follows").touch()
        time.sleep(60)
        os._exit(0)
    wait_for((tmp_path / "follows").exists)
    (follower,) = children(before)
    os.kill(before, signal.SIGKILL)
    os.waitpid(before, 0)
    wait_for(lambda: not is_there(follower))
    (tmp_path / "images").rmdir()
    one = hall()
    one.grow("x", 3)
    one.grow("x", 4)
    assert one.followed == ["x"]
    one.complete("x")


def wait_for(condition):
    deadline = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
