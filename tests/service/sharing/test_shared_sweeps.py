"""A sweep of the queue that processes of an executor share: helpers come, are killed, and are called back."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from simulated import simulated_sweep
from slurm_for_tests import slurm_in

from autoproc.config import Config, with_command_line
from autoproc.console import Console
from autoproc.service.executing.command import CommandExecutor
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.executors import Executors
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.slurm import SlurmExecutor
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processes.begin_process import paths, start_process
from autoproc.service.processes.cores_and_memory import GIGABYTE, Shares
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_job import process_job
from autoproc.service.results.outputs import Outputs
from autoproc.service.supervisor import Plan, Supervisor
from autoproc.service.sweeps.found_sweep import FoundSweep, fingerprint

WORKER = (sys.executable, "-P", str(Path(__file__).with_name("shared_worker.py")))
LONGEST = 240.0
SUBMIT = ["sh", "-c", 'setsid sh "$0" >/dev/null 2>&1 & echo $!', "{script}"]
POLL = ["sh", "-c", 'for id in "$@"; do kill -0 -$id 2>/dev/null && echo $id running; done; true', "poll", "{ids}"]
CANCEL = ["sh", "-c", 'for id in "$@"; do kill -9 -$id 2>/dev/null; done; true', "cancel", "{ids}"]
CHANGES = {
    "integrate.block_width": "2", "integrate.stretches.is_enabled": "false", "integrate.d_min": "2.5",
    "service.parts.is_enabled": "true", "service.parts.least_gigapixels": "0", "service.parts.most": "1",
}  # fmt: skip


@pytest.fixture
def start(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, width=0.6).start


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process makes of it."""
    folder = tmp_path_factory.mktemp("alone")
    config = with_command_line(Config(), CHANGES | {"run.n_threads": "1", "service.parts.is_enabled": "false"})
    path = str(simulated_sweep(tmp_path_factory, width=0.6).start)
    with Console(folder / "autoproc.log") as console:
        process_job(Order(1, 1, "small", path, None, "", folder, folder / "o.json", config), console)
    return files_of(folder)


def files_of(folder):
    files = [folder / "merged.mtz", folder / "unmerged.mtz", *sorted((folder / "stages").iterdir())]
    return {file.name: file.read_bytes() for file in files}


class Program:
    """A queue of one sweep, and who looks after it; `executor` is chosen by its name."""

    def __init__(self, folder, executor, start):
        n = {"service.command.n_threads": "1", "service.slurm.n_cores": "1", "service.command.poll_interval": "0.2"}
        config = with_command_line(Config(), CHANGES | n)
        lines = {"submit": tuple(SUBMIT), "poll": tuple(POLL), "cancel": tuple(CANCEL), "n_jobs": 2}
        command = config.service.command.model_copy(update=lines)
        service = config.service.model_copy(update={"command": command})
        config = config.model_copy(update={"service": service})
        self.outputs = Outputs(folder)
        self.outputs.make_folders()
        self.queue = JobQueue(folder / ".autoproc" / "queue.sqlite")
        site = Site(self.outputs, service, worker=WORKER, look=0.05)
        chosen = {"command": CommandExecutor, "slurm": SlurmExecutor}.get(executor)
        local = LocalExecutor(Shares(2, 1, 4 * GIGABYTE, 600), service, launched)
        self.executors = Executors(local, None if chosen is None else chosen(site), takes_over=False)
        self.supervisor = Supervisor(
            self.queue, self.outputs, Plan(config, service), lambda event: None, self.executors
        )
        if not self.queue.rows():
            mark = fingerprint(start, start.read_bytes()[:8])
            self.queue.add(FoundSweep(start, "cbf", None, 60, mark, "complete", "", "small", str(start.parent), 1000.0))

    def until(self, condition):
        end = time.monotonic() + LONGEST
        while not (found := condition()):
            assert time.monotonic() < end, [(job.state, job.story) for job in self.queue.rows()]
            self.supervisor.step()
            self.supervisor.wait(0.02)
        return found

    def result(self):
        """The log, when it is processed."""
        self.until(lambda: self.queue.rows()[0].state is JobState.processed)
        self.until(lambda: not list(self.outputs.work.iterdir()))  # nothing is left of sweep or helpers
        return (self.outputs.output / "small" / "autoproc.log").read_text()

    @property
    def shared(self):
        return self.outputs.parts("small", 1)

    def helper_at_work(self):
        """The process of a helper that has taken a piece; 0 where there is none."""
        with suppress(OSError):
            for claim in self.shared.glob("*/*.claim"):
                who = claim.read_text()
                if who not in ("", "leader"):
                    return int(who.split(".")[-2])
        return 0

    def close(self):
        self.supervisor.hand_back()
        self.queue.close()


def launched(reports, errors, has_terminal):
    return start_process([*WORKER, "--reports"], paths(), reports, errors, has_terminal)


@pytest.fixture
def program(tmp_path, start):
    with ExitStack() as stack:

        def begin(executor):
            if executor == "slurm":
                (tmp_path / "slurm").mkdir()
                stack.enter_context(slurm_in(tmp_path / "slurm"))
            made = Program(tmp_path / "results", executor, start)
            stack.callback(made.close)
            return made

        yield begin


@pytest.mark.parametrize("executor", ["local", "command", "slurm"])
def test_helpers_of_every_executor_make_pieces(program, alone, executor):
    shared = program(executor)
    log = shared.result()
    assert "helpers: spots in" in log, log
    assert "helpers: blocks in" in log, log
    assert files_of(shared.outputs.output / "small") == alone


@pytest.mark.parametrize("executor", ["local", "command"])
def test_a_helper_that_is_killed_costs_no_byte(program, alone, executor):
    shared = program(executor)
    os.kill(shared.until(shared.helper_at_work), signal.SIGKILL)
    log = shared.result()
    assert files_of(shared.outputs.output / "small") == alone
    assert [job.attempts for job in shared.queue.rows()] == [1]
    assert "helpers: blocks in" not in log  # there is nobody any more


def test_the_next_program_withdraws_helpers_and_takes_up_their_sweep(program, alone, tmp_path, start):
    """It sends others where more are wanted; those of the program before end by themselves."""
    first = program("command")
    process = first.until(first.helper_at_work)
    (away,) = [path for path in first.outputs.work.iterdir() if path.name == "-1-small.1.away"]
    kept = away.stat().st_ino
    second = Program(tmp_path / "results", "command", start)
    second.supervisor.recover()
    assert not away.exists() or away.stat().st_ino != kept
    first.supervisor._parts._parts.clear()  # it is gone
    first.supervisor._attempts.clear()
    second.result()
    assert files_of(second.outputs.output / "small") == alone
    assert [job.attempts for job in second.queue.rows()] == [1]
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    second.close()
