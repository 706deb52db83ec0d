"""Workers forked from the test: they start at once, and what the test has patched is patched in them too."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

import pytest

from autoproc.service.executing.worker import work
from autoproc.service.probing.answers import Inside
from autoproc.service.processing.process_job import process_job


class ForkedProcess:
    """As much of subprocess.Popen as the supervisor needs."""

    def __init__(self, pid: int, stdin: IO[bytes]) -> None:
        self.pid, self.stdin = pid, stdin
        self._status: int | None = None

    def poll(self) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        while self.poll() is None:
            time.sleep(0.005)
        assert self._status is not None
        return self._status


def forked_worker(reports: int, errors: IO[bytes], has_terminal: bool, processing=None) -> ForkedProcess:
    """In place of launch_worker."""
    its, mine = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(its)
        with suppress(OSError):
            os.setpgid(pid, pid)
        return ForkedProcess(pid, os.fdopen(mine, "wb", buffering=0))
    status = 1
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        os.dup2(errors.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        kept = {0, 1, 2, its, reports}
        for number in map(int, os.listdir("/proc/self/fd")):
            if number not in kept and _is_pipe(number):
                os.close(number)
        orders = os.fdopen(its)
        work(reports, process_job if processing is None else processing, orders)
        status = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _is_pipe(number: int) -> bool:
    """A pipe of another worker must not be kept open by this one."""
    with suppress(OSError):
        return os.readlink(f"/proc/self/fd/{number}").startswith("pipe:")
    return False


@contextmanager
def no_new_programs(worker=forked_worker) -> Iterator[pytest.MonkeyPatch]:
    """`autoproc run` in the test's process: its workers are forked, and files are opened inside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autoproc.commands.run.launch_worker", worker)
        patch.setattr("autoproc.commands.wanted.probing", probing_inside)
        yield patch


def probing_inside(config) -> Inside:
    """In place of probing processes: files are opened in the test."""
    return Inside(config.import_sweep)
