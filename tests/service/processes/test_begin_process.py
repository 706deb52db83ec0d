"""The first worker and the first probing process are begun with the program, and load meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autoproc.commands.wanted import probing
from autoproc.config import Config
from autoproc.service.executing.worker_process import WorkerProcess, wait_for_any
from autoproc.service.probing.questions import KindOf
from autoproc.service.processes import begin_process
from autoproc.service.processes.begin_process import BegunAhead, start_process

CBF = b"###CBF: VERSION 1.5\r\n"


@pytest.fixture
def begun(monkeypatch):
    """Processes that wait, in place of real ones, and all that were begun."""
    processes = []

    def waiting(*_):
        command = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0))
        return processes[-1]

    monkeypatch.setattr(begin_process, "launch_worker", waiting)
    monkeypatch.setattr(begin_process, "launch_probe", waiting)
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()


def test_each_is_had_once(begun):
    ahead = BegunAhead()
    probe, worker = ahead.probe(), ahead.worker(has_terminal=False)
    assert [probe.process, worker.process] == begun
    assert ahead.probe() is None
    assert ahead.worker(has_terminal=False) is None
    ahead.close()
    assert all(process.poll() is None for process in begun)
    probe.socket.close()
    os.close(worker.reports)
    worker.errors.close()


def test_what_nobody_takes_is_ended(begun):
    ahead = BegunAhead()
    open_files = len(os.listdir("/proc/self/fd"))
    assert ahead.worker(has_terminal=True) is None  # this one could not show progress
    ahead.close()
    assert all(process.poll() is not None for process in begun)
    assert len(os.listdir("/proc/self/fd")) < open_files
    ahead.close()


def test_what_cannot_be_begun_is_missing_and_no_more(monkeypatch):
    def refuse(*_):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(begin_process, "launch_probe", refuse)
    ahead = BegunAhead()
    assert ahead.probe() is None
    assert ahead.worker(has_terminal=False) is None
    ahead.close()


def test_only_what_is_wanted_is_begun(begun):
    BegunAhead(()).close()
    assert begun == []


def test_real_ones_answer_and_wait_for_a_job(tmp_path):
    (tmp_path / "x.cbf").write_bytes(CBF)
    ahead = BegunAhead()
    ready = ahead.worker(has_terminal=False)
    prober = probing(Config(), ahead.probe())
    try:
        assert prober._quick.process._process.pid != ready.process.pid
        number = prober.ask(KindOf(tmp_path / "x.cbf"))
        answers = []
        while not answers:
            answers = prober.answers(1.0)
        assert answers == [(number, "cbf")]
        worker = WorkerProcess.of(ready.process, ready.reports, ready.errors)
        while worker.is_alive and not worker.is_ready:
            wait_for_any([worker], 1.0)
            worker.listen()
        assert worker.is_ready
    finally:
        prober.close()
        ready.process.kill()
        ready.process.wait()
        worker.close()
        ahead.close()


def test_workers_do_not_speak_for_the_program(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    monkeypatch.setenv("PROXY", "their own business")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    reading, writing = os.pipe()
    told = "import json, os, sys; os.write(int(sys.argv[1]), json.dumps(dict(os.environ)).encode())"
    with tempfile.TemporaryFile() as errors, os.fdopen(reading) as reports:
        process = start_process([sys.executable, "-c", told], ["/somewhere"], writing, errors, False)
        os.close(writing)
        environment = json.loads(reports.read())
        process.communicate(timeout=20)
    assert environment["PYTHONPATH"] == "/somewhere"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["PROXY"] == "their own business"
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "7"
    assert int(environment["MALLOC_MMAP_THRESHOLD_"]) >= 32 << 20
    assert not {"NOTIFY_SOCKET", "WATCHDOG_PID"} & environment.keys()


def test_nothing_but_the_standard_library_is_loaded():
    code = (
        "import sys; import autoproc.service.processes.begin_process; "
        "print([m for m in sys.modules if m.partition('.')[0] in ('numpy', 'pydantic', 'h5py', 'typer', 'rich')], "
        "[m for m in sys.modules if m.startswith('autoproc')])"
    )
    package = str(Path(begin_process.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": package},
    )  # fmt: skip
    rooms = ["autoproc", "autoproc.service", "autoproc.service.processes"]
    assert done.stdout.strip() == f"[] {[*rooms, 'autoproc.service.processes.begin_process']}"
