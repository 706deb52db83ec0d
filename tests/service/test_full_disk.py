"""A disk that is full in truth: a small one in memory, for those who may mount it.

It is mounted for this process and its children only, so that the kernel removes it with them however they end.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from queue_for_tests import FilesFinder, Service, check_results

from autoproc.service import daemon as daemon_module
from autoproc.service.daemon import Daemon

CLONE_NEWNS = 0x20000


@pytest.fixture(scope="module")
def own_mounts():
    """What is mounted from now on is seen by this process and its children alone."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "unshare") or library.unshare(CLONE_NEWNS):
        pytest.skip("mounts of one's own need their rights")
    if subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode:
        pytest.skip("mounts of one's own need their rights")


@pytest.fixture
def small_disk(tmp_path, own_mounts):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounting.returncode:
        pytest.skip("mounting a small disk needs its rights")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_nobody_else_sees_the_disk(small_disk):
    """Nothing of it is left behind when the test is killed."""
    assert str(small_disk) in Path("/proc/self/mountinfo").read_text()
    assert str(small_disk) not in Path(f"/proc/{os.getppid()}/mountinfo").read_text()


def test_results_wait_for_room(small_disk, tmp_path, monkeypatch):
    """Meanwhile nothing half is where results are, and the queue keeps what it has, on the same disk."""
    monkeypatch.setattr(daemon_module, "TROUBLE", 0.02)
    monkeypatch.setattr(daemon_module, "PATIENCE", 0.01)
    monkeypatch.setattr("autoproc.service.supervisor.RECOVERY", 0.1)
    images = tmp_path / "images"
    images.mkdir()
    service = Service(small_disk / "out")
    finder = FilesFinder(images, service.intake)
    daemon = Daemon(service.supervisor, service.intake, service.hooks, service.hear, finder)
    daemon.turn(lambda: False)
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        with suppress(OSError):
            while True:
                filler.write(bytes(4096))
        filler.truncate(filler.tell() - 16384)
    for n in range(6):
        (images / f"{n}.img").write_bytes(bytes([n]) * 5000)
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline and len(service.told("put back", "trouble")) < 5:
        daemon.turn(lambda: False)
    assert service.told("put back", "trouble")
    for folder in (small_disk / "out").glob("[!.]*"):
        assert (folder / "summary.json").exists()
    (small_disk / "filler").unlink()

    def is_done() -> bool:
        rows = service.queue.rows()
        return len(rows) == 6 and all(job.state.is_settled for job in rows)

    deadline = time.monotonic() + 20
    while not daemon.turn(is_done):
        assert time.monotonic() < deadline, (service.queue.rows(), service.events[-20:])
    service.close()
    check_results(images, small_disk / "out")
