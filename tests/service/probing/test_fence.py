"""Among files that crash, hang or feign, a good sweep is processed as if they were not there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cbf_files
import pytest
from simulated import simulated_sweep

from autoproc import kernels
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue

TREE = Path(kernels.__file__).parents[2]
"""Where the package that is tested lies, installed or not."""
QUICK = """
[watch]
settle_time = 1.0
stall_time = 2.0
stable_time = 0.2
poll_interval = 0.2
probe_time = 4.0
[service]
grace_time = 1.0
"""


@pytest.fixture
def folder(tmp_path, tmp_path_factory):
    """One good sweep, and what strangers may leave beside it."""
    folder = tmp_path / "images"
    folder.mkdir()
    written = simulated_sweep(tmp_path_factory, n_images=20, width=2.0)
    for image in written.start.parent.glob("*.cbf"):
        os.link(image, folder / image.name.replace("small", "good"))
    os.mkfifo(folder / "pipe_master.h5")
    os.mkfifo(folder / "pipe_0001.cbf")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket_0001.cbf"))
    (folder / "empty_master.h5").write_bytes(b"")
    (folder / "cut_master.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes([3]) + b"\xff" * 200)
    (folder / "no_0001.cbf").write_bytes(b"###CBF: VERSION 1.5\r\n" + b"# " + b"1 " * 30000)
    name = os.fsencode(folder) + b"/caf\xe9\x1b[2J_000"
    for number in (b"1", b"2", b"3"):
        path = Path(os.fsdecode(name + number + b".cbf"))
        cbf_files.write_image(path, {}, 1)
        path.write_bytes(path.read_bytes()[:2000])
    return folder


def autoproc(*arguments):
    environment = os.environ | {"PYTHONPATH": str(TREE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "autoproc", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def states(output):
    path = output / ".autoproc" / "queue.sqlite"
    if not path.exists():
        return {}
    queue = JobQueue(path)
    found = {Path(job.path).name: job.state for job in queue.rows()}
    queue.close()
    return found


def check(output, found):
    assert found["good_#####.cbf"] is JobState.processed
    assert not [
        name for name, state in found.items() if state not in (JobState.listed, JobState.failed, JobState.processed)
    ]
    status = subprocess.run(
        [sys.executable, "-m", "autoproc", "status", "--json", "-o", str(output)], capture_output=True, check=True,
        env=os.environ | {"PYTHONPATH": str(TREE)},
    )  # fmt: skip
    assert len(json.loads(status.stdout)) >= len(found)
    assert b"\x1b" not in (output / ".autoproc" / "queue.log").read_bytes()


def test_once(folder, tmp_path):
    program = autoproc("run", folder, "--once", "-o", tmp_path / "out", "watch.probe_time=4")
    said, _ = program.communicate(timeout=400)
    assert program.returncode == 3
    assert b"\x1b" not in said
    found = states(tmp_path / "out")
    assert found["pipe_master.h5"] is JobState.listed
    check(tmp_path / "out", found)


def test_watching(folder, tmp_path):
    output = tmp_path / "out"
    (tmp_path / "quick.toml").write_text(QUICK)
    program = autoproc("run", folder, "-o", output, "--config", tmp_path / "quick.toml")
    try:
        wanted = {"good_#####.cbf", "pipe_master.h5", "pipe_0001.cbf", "socket_0001.cbf", "empty_master.h5"}
        deadline = time.monotonic() + 400
        while not (wanted <= (found := states(output)).keys() and found["good_#####.cbf"].is_settled):
            assert time.monotonic() < deadline, found
            assert program.poll() is None, program.stdout.read()
            time.sleep(0.2)
        peak = [line for line in Path(f"/proc/{program.pid}/status").read_text().splitlines() if "VmHWM" in line]
        assert int(peak[0].split()[1]) < 400_000  # kB
        begun = time.monotonic()
        program.send_signal(signal.SIGTERM)
        said, _ = program.communicate(timeout=20)
        assert time.monotonic() - begun < 10
        assert program.returncode == 0
        assert b"\x1b" not in said
        assert found["pipe_master.h5"] is found["pipe_0001.cbf"] is found["socket_0001.cbf"] is JobState.listed
        assert found["good_#####.cbf"] is JobState.processed
    finally:
        program.kill()
        program.communicate()
