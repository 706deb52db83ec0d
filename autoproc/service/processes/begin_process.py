"""How workers and probing processes are begun: with this package, in groups of their own.

Nothing but the standard library is loaded here, so that the first of them can be begun at once and load what they need
while the program does so itself.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

P = TypeVar("P")

KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "HDF5_PLUGIN_PATH")
"""What a probing process needs to begin, and no secret."""
FOR_THE_PROGRAM = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What systemd tells the program alone: its workers do not speak for it."""
THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}

KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""Bytes that a worker's C library (glibc) keeps for its next arrays instead of giving them back to the system, which
would have to clear as many pages again for each: integration took 24.8 s of processor time with 256 and 512 MB, 27.9 s
without (simulated, part of 900 images of 4.5 million pixels). These limits are a judgement, so that full frames of
floats of large detectors are given back: where such are kept, what lies between them cannot be. What the user has set
counts more."""


def launch_worker(reports: int, errors: IO[bytes], has_terminal: bool) -> subprocess.Popen[bytes]:
    """Begin `autoproc _work` in a group of its own, so that Ctrl-C goes to the program alone.

    reports : the number of its pipe for reports; errors : where its errors go
    -P: a folder called autoproc where the user happens to be is not this package.
    """
    return start_process([sys.executable, "-P", "-m", "autoproc", "_work"], paths(), reports, errors, has_terminal)


def start_process(
    command: Sequence[str], paths: Sequence[str], reports: int, errors: IO[bytes], has_terminal: bool
) -> subprocess.Popen[bytes]:
    """Begin a command as a worker."""
    environment = {name: value for name, value in os.environ.items() if name not in FOR_THE_PROGRAM}
    return subprocess.Popen(
        [*command, str(reports)],
        env=KEPT_MEMORY | environment | THREADS | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.PIPE,
        stdout=None if has_terminal else subprocess.DEVNULL,
        stderr=None if has_terminal else errors,
        pass_fds=[reports],
        process_group=0,
    )


def launch_probe(its: socket.socket) -> subprocess.Popen[bytes]:
    """Begin `autoproc _probe` at this end of its socket, in a group of its own. -P: see `launch_worker`."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "autoproc", "_probe", str(its.fileno())],
        env=kept | THREADS | {"PYTHONPATH": os.pathsep.join(paths()), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
        process_group=0,
    )


def paths() -> list[str]:
    """Where Python looks for packages: this one first."""
    package = str(Path(__file__).resolve().parents[3])
    return [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]


@dataclass(frozen=True, slots=True)
class BegunWorker:
    """A worker that was begun before anybody knew of a job: its process, where to read its reports and its errors."""

    process: subprocess.Popen[bytes]
    reports: int
    errors: IO[bytes]
    has_terminal: bool


@dataclass(frozen=True, slots=True)
class BegunProbe:
    """A probing process that was begun before anybody had a question, and the program's end of its socket."""

    process: subprocess.Popen[bytes]
    socket: socket.socket


class BegunAhead:
    """One worker and one probing process, begun when the program begins. Whoever needs one takes it, the first time."""

    def __init__(self, wanted: Sequence[str] = ("probe", "worker")) -> None:
        self._probe: BegunProbe | None = None
        self._worker: BegunWorker | None = None
        has_terminal = sys.stdout is not None and sys.stdout.isatty()
        with suppress(OSError):  # what cannot be begun now is begun, and told of, when it is needed
            if "probe" in wanted:
                self._probe = _begun_probe()
            if "worker" in wanted:
                self._worker = BegunWorker(*begin_worker(launch_worker, has_terminal), has_terminal)

    def probe(self) -> BegunProbe | None:
        """The probing process, if it is still to be had."""
        taken, self._probe = self._probe, None
        return taken

    def worker(self, has_terminal: bool) -> BegunWorker | None:
        """The worker, if it is still to be had and has the terminal, or not, as it should."""
        if self._worker is None or self._worker.has_terminal != has_terminal:
            return None
        taken, self._worker = self._worker, None
        return taken

    def close(self) -> None:
        """End what nobody has taken."""
        probe, worker = self.probe(), self._worker
        self._worker = None
        if probe is not None:
            probe.socket.close()
            _end(probe.process)
        if worker is not None:
            os.close(worker.reports)
            worker.errors.close()
            _end(worker.process)


def _begun_probe() -> BegunProbe:
    ours, its = socket.socketpair()
    with its:
        try:
            return BegunProbe(launch_probe(its), ours)
        except BaseException:
            ours.close()
            raise


def begin_worker(launch: Callable[[int, IO[bytes], bool], P], has_terminal: bool) -> tuple[P, int, IO[bytes]]:
    """Begin a worker, which loads what it needs and waits: its process, where to read its reports and its errors."""
    mine, its = os.pipe()
    errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the worker)
    try:
        process = launch(its, errors, has_terminal)
    except BaseException:
        os.close(mine)
        errors.close()
        raise
    finally:
        os.close(its)
    return process, mine, errors


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
