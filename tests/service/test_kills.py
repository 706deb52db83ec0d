"""kill -9 at any moment, of the program or of its workers: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from queue_for_tests import Service, check_results, children, forked_daemon, found, result_of

from autoproc.service.job_queue.job import JobState
from autoproc.service.params import ServiceParams

PARAMS = ServiceParams(max_crashes=1000, retry_delay=0.01, lease=0.4, journal="wal")
N_KILLS = 30


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def add_files(folder: Path, n: int, chance: random.Random) -> None:
    start = len(list(folder.glob("*.img")))
    for number in range(start, start + n):
        part = folder / f"{number:03d}.part"
        part.write_bytes(chance.randbytes(50 + number))
        part.rename(folder / f"{number:03d}.img")


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def finish(pid: int, output: Path) -> None:
    _, status = os.waitpid(pid, 0)
    trouble = Path(f"{output}.trouble")
    assert not trouble.exists(), trouble.read_text()
    assert status == 0


def some_workers(daemon: int) -> list[int]:
    """The workers of a program, as soon as it has some."""
    deadline = time.monotonic() + 5.0
    while not (workers := children(daemon)) and time.monotonic() < deadline:
        time.sleep(0.005)
    return workers


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random(images, tmp_path, seed):
    """The program and its workers are killed again and again; there is always work left."""
    chance = random.Random(seed)
    output = tmp_path / "out"
    n_killed = {"program": 0, "worker": 0}
    daemon = 0
    while sum(n_killed.values()) < N_KILLS:
        add_files(images, 2, chance)
        daemon = daemon or forked_daemon(images, output, PARAMS, pause=0.004)
        who = chance.choice(("program", "worker"))
        workers = some_workers(daemon) if who == "worker" else []
        time.sleep(chance.uniform(0.0, 0.2))
        if workers:
            kill(chance.choice(workers))
            n_killed["worker"] += 1
            continue
        kill(daemon)
        os.waitpid(daemon, 0)
        n_killed["program"] += 1
        daemon = 0
    if daemon:
        kill(daemon)
        os.waitpid(daemon, 0)
    assert min(n_killed.values()) >= 8
    finish(forked_daemon(images, output, PARAMS, is_endless=False), output)
    check_results(images, output)


FILE_OPERATIONS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "subprocess.Popen", "os.link"}


def die_at(number: int) -> None:
    """End this process (not those it forks) at its n-th operation on files."""
    me, n = os.getpid(), 0

    def watch(event: str, _: tuple) -> None:
        nonlocal n
        if event in FILE_OPERATIONS and os.getpid() == me:
            n += 1
            if n == number:
                os._exit(9)

    sys.addaudithook(watch)


def work_and_die(output: Path, number: int) -> int:
    """Work off the queue in a process that dies at its n-th operation on files; its exit status."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        die_at(number)
        service = Service(output, PARAMS)
        service.work()
        service.close()
        status = 0
    finally:
        os._exit(status)


def test_killed_at_every_step(images, tmp_path):
    """The results of before are there, or those of now, whenever the program is killed; at last those of now."""
    image, output = images / "x.img", tmp_path / "out"
    image.write_bytes(b"the first content")
    service = Service(output, PARAMS)
    service.queue.add(found(image))
    service.work()
    (output / "x" / "notes.txt").write_text("somebody's own")
    number, status, n_found_whole = 0, 9, 0
    while status == 9:
        number += 1
        before = result_of(image.read_bytes())
        image.write_bytes(f"content {number}".encode())
        service.queue.reprocess("x", {})
        status = work_and_die(output, number)
        after = result_of(image.read_bytes())
        service.supervisor.recover()
        assert (output / "x" / "merged.mtz").read_bytes() in (before, after), number
        n_found_whole += service.queue.named("x").state is JobState.processed
        service.work()
        assert (output / "x" / "merged.mtz").read_bytes() == after, number
        assert (output / "x" / "notes.txt").read_text() == "somebody's own"
        assert list(service.outputs.work.iterdir()) == []
    assert status == 0
    assert number > 20
    assert 5 < n_found_whole < number  # what was whole was put in place, and not made again
    service.close()
