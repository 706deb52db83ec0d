"""The loop: asked to stop it finishes or hands back; what the disk does wrong it waits for; two get on."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from queue_for_tests import FilesFinder, Service, check_results, children, forked_daemon

from autoproc.service import daemon as daemon_module
from autoproc.service.daemon import Daemon, Stop
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.params import ServiceParams


@pytest.fixture
def images(tmp_path):
    """A folder of sweeps: images("a", "b") makes them."""
    folder = tmp_path / "images"
    folder.mkdir()

    def written(*names: str) -> Path:
        for name in names:
            (folder / f"{name}.img").write_text(f"images of {name}")
        return folder

    return written


def wait_for(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(pid: int, seconds: float = 10.0) -> int:
    """The exit status of a process, which must end soon."""
    deadline = time.monotonic() + seconds
    while True:
        number, status = os.waitpid(pid, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        assert time.monotonic() < deadline
        time.sleep(0.01)


def states(output: Path) -> dict[str, JobState]:
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    found = {job.name: job.state for job in queue.rows()}
    queue.close()
    return found


def is_at_work(output: Path, name: str) -> bool:
    return bool(list(output.glob(f".autoproc/work/{name}.*/autoproc.log")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_finishes_what_is_at_work(images, tmp_path, number):
    folder, output = images("a", "b", "c", "d", "e", "f"), tmp_path / "out"
    pid = forked_daemon(folder, output, ServiceParams(grace_time=20), pause=0.1)
    wait_for(lambda: is_at_work(output, "a") and is_at_work(output, "b"))
    os.kill(pid, number)
    assert ended(pid) == 0
    found = states(output)
    assert (found.pop("a"), found.pop("b")) == (JobState.processed, JobState.processed)
    assert set(found.values()) == {JobState.queued}
    assert list((output / ".autoproc" / "work").iterdir()) == []


def test_the_last_hooks_are_waited_for(images, tmp_path):
    folder, output = images("a"), tmp_path / "out"
    command = (sys.executable, "-c", "import sys, time; time.sleep(1); open(sys.argv[1], 'w')", str(tmp_path / "hook"))
    pid = forked_daemon(folder, output, ServiceParams(grace_time=20, on_success=(command,)), pause=0.1)
    wait_for(lambda: is_at_work(output, "a"))
    os.kill(pid, signal.SIGTERM)
    assert ended(pid) == 0
    assert (tmp_path / "hook").exists()


def test_what_is_not_done_in_time_is_handed_back(images, tmp_path):
    folder, output = images("hang_a"), tmp_path / "out"
    pid = forked_daemon(folder, output, ServiceParams(grace_time=0.3))
    wait_for(lambda: is_at_work(output, "hang_a"))
    workers = children(pid)
    os.kill(pid, signal.SIGTERM)
    assert ended(pid, 5) == 0
    assert states(output) == {"hang_a": JobState.queued}
    wait_for(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers))


def test_a_second_signal_stops_at_once(images, tmp_path):
    folder, output = images("hang_a"), tmp_path / "out"
    pid = forked_daemon(folder, output, ServiceParams(grace_time=60))
    wait_for(lambda: is_at_work(output, "hang_a"))
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGTERM)  # the same, sent to the group
    time.sleep(0.7)
    assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    os.kill(pid, signal.SIGTERM)
    assert ended(pid, 5) == 130
    assert states(output) == {"hang_a": JobState.queued}


def test_workers_end_with_their_program(images, tmp_path):
    folder, output = images("hang_a", "hang_b"), tmp_path / "out"
    pid = forked_daemon(folder, output, ServiceParams())
    wait_for(lambda: is_at_work(output, "hang_a") and is_at_work(output, "hang_b"))
    workers = children(pid)
    assert len(workers) >= 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_for(lambda: not any(Path(f"/proc/{worker}/cmdline").read_bytes() for worker in workers if exists(worker)), 3)


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_two_programs_at_once_killed_in_turn(images, tmp_path):
    """Both are always there; one of them is killed and started again, and again."""
    chance = random.Random(7)
    folder, output = images(*(f"{n:02d}" for n in range(30))), tmp_path / "out"
    params = ServiceParams(max_crashes=100, lease=0.4)
    pids = [forked_daemon(folder, output, params, pause=0.01) for _ in range(2)]
    for n in range(12):
        time.sleep(chance.uniform(0.05, 0.25))
        os.kill(pids[n % 2], signal.SIGKILL)
        os.waitpid(pids[n % 2], 0)
        pids[n % 2] = forked_daemon(folder, output, params, pause=0.01, is_endless=n < 10)
    assert [ended(pid, 30) for pid in pids] == [0, 0]
    check_results(folder, output)


def test_a_restart_does_nothing_again(images, tmp_path):
    folder, output = images("a", "b"), tmp_path / "out"
    for _ in range(2):
        assert ended(forked_daemon(folder, output, ServiceParams(), is_endless=False)) == 0
        for path in folder.iterdir():
            os.utime(path)
    check_results(folder, output)
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    assert {job.run for job in queue.rows()} == {1}
    queue.close()


def test_results_that_somebody_deleted_are_made_again(images, tmp_path):
    folder, output = images("a", "b"), tmp_path / "out"
    assert ended(forked_daemon(folder, output, ServiceParams(), is_endless=False)) == 0
    for path in (output / "a").glob("*.*"):
        path.unlink()
    assert ended(forked_daemon(folder, output, ServiceParams(), is_endless=False)) == 0
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    assert {job.name: job.run for job in queue.rows()} == {"a": 2, "b": 1}
    assert (output / "a" / "merged.mtz").exists()
    queue.close()


def test_a_queue_on_a_full_disk_is_waited_for(images, tmp_path, monkeypatch):
    """SQLite refuses, results come late, nothing is lost."""
    monkeypatch.setattr(daemon_module, "TROUBLE", 0.02)
    monkeypatch.setattr(daemon_module, "PATIENCE", 0.01)
    service = Service(tmp_path / "out")
    folder = images(*(f"{n:02d}" for n in range(8)))
    daemon = Daemon(
        service.supervisor, service.intake, service.hooks, service.hear, FilesFinder(folder, service.intake)
    )
    pages = service.queue._db.execute("PRAGMA page_count").fetchone()[0]
    service.queue._db.execute(f"PRAGMA max_page_count = {pages}")

    def is_done() -> bool:
        return len(service.queue.rows()) == 8 and all(job.state.is_settled for job in service.queue.rows())

    deadline = time.monotonic() + 20
    while not daemon.turn(is_done):
        assert time.monotonic() < deadline
        if service.told("trouble"):
            service.queue._db.execute("PRAGMA max_page_count = 1000000")
    assert service.told("trouble")
    service.close()
    check_results(folder, tmp_path / "out")


def test_thirty_sweeps_that_come_faster_than_they_are_processed(images, tmp_path):
    """They are worked off in order, none is lost, and how long each waited is known."""
    folder, output = images(), tmp_path / "out"
    pid = forked_daemon(folder, output, ServiceParams(order="arrival"), pause=0.01)
    for n in range(30):
        part = folder / f"{n:02d}.part"
        part.write_text(f"images {n}")
        part.rename(folder / f"{n:02d}.img")
        time.sleep(0.01)
    wait_for(lambda: list(states(output).values()) == [JobState.processed] * 30, 30)
    os.kill(pid, signal.SIGTERM)
    assert ended(pid) == 0
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    rows = queue.rows()
    begun = [job.started_at for job in rows]
    assert begun == sorted(begun)  # type: ignore[type-var]
    assert all(job.latency is not None and job.latency > 0 for job in rows)
    queue.close()
    check_results(folder, output)


def test_signals_are_given_back(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    with Stop().listening():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


class TickingTime:
    """Time that goes on whenever somebody looks."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 0.2
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_every_turn_is_told_and_a_crowd_of_images_takes_several(tmp_path, monkeypatch):
    service = Service(tmp_path / "out")
    coming, taken, turns = list(range(9)), [], []

    class Crowd:
        def poll(self, timeout):
            come = coming.copy()
            coming.clear()
            return come

    daemon = Daemon(
        service.supervisor, service.intake, service.hooks, service.hear, Crowd(), turned=lambda: turns.append(1)
    )
    monkeypatch.setattr(service.intake, "take", lambda *found: taken.extend(found))
    monkeypatch.setattr(daemon_module, "TOGETHER", 2)
    monkeypatch.setattr(daemon_module, "time", TickingTime())
    daemon.turn(lambda: False)
    assert 0 < len(taken) < 9
    while len(taken) < 9:
        daemon.turn(lambda: False)
    assert taken == list(range(9))
    assert len(turns) > 2
    service.close()


def test_a_terminal_that_goes_away_stops_nobody():
    stop = Stop()
    before = signal.getsignal(signal.SIGHUP)
    with stop.listening():
        os.kill(os.getpid(), signal.SIGHUP)
    assert stop.n_asked == 0
    assert signal.getsignal(signal.SIGHUP) is before
