"""Results and the queue on a disk that is full in truth (see tests/small_disk.py)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from queue_for_tests import FilesFinder, Service, check_results
from small_disk import fill, mounted, require_own_mounts

from autoproc.service import daemon as daemon_module
from autoproc.service.daemon import Daemon


@pytest.fixture(scope="module")
def own_mounts():
    require_own_mounts()


@pytest.fixture
def small_disk(tmp_path, own_mounts):
    with mounted(tmp_path / "disk", "4m") as folder:
        yield folder


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
    filler = fill(small_disk, left=16384)
    for n in range(6):
        (images / f"{n}.img").write_bytes(bytes([n]) * 5000)
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline and len(service.told("put back", "trouble")) < 5:
        daemon.turn(lambda: False)
    assert service.told("put back", "trouble")
    for folder in (small_disk / "out").glob("[!.]*"):
        assert (folder / "summary.json").exists()
    filler.unlink()

    def is_done() -> bool:
        rows = service.queue.rows()
        return len(rows) == 6 and all(job.state.is_settled for job in rows)

    deadline = time.monotonic() + 20
    while not daemon.turn(is_done):
        assert time.monotonic() < deadline, (service.queue.rows(), service.events[-20:])
    service.close()
    check_results(images, small_disk / "out")
