"""A worker as the program sees it: a process to give an order to, to listen to, and to stop."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from autoproc.service.processes.begin_process import begin_worker
from autoproc.service.processes.cores_and_memory import memory_in_use

KEPT = 2000
"""Bytes kept of the beginning, and of the end, of what a dead worker has written to its standard error."""

MOST_HEARD = 1 << 20
"""Bytes taken in at a time: who talks without an end keeps nobody from the other workers."""


class WorkerHandle(Protocol):
    """What is needed of subprocess.Popen."""

    pid: int
    stdin: IO[bytes] | None

    def poll(self) -> int | None:
        """The exit status; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end."""


Launch = Callable[[int, IO[bytes], bool], WorkerHandle]
"""Begin a worker: the number of its pipe for reports, where its errors go, whether it has the terminal."""


@dataclass(slots=True)
class WorkerProcess:
    """One worker. It has no order, or one, and then it ends.

    stopped_for : why the program has killed it, if it has
    followed : what it has told of a sweep that it follows, until somebody takes it; heard : when it has said something
    last, by the clock
    """

    process: WorkerHandle
    reports: int
    errors: IO[bytes]
    is_ready: bool = False
    begun: float = 0.0
    heard: float = 0.0
    progress: str = ""
    most_memory: int = 0
    stopped_for: str = ""
    outcome: dict[str, Any] | None = None
    followed: list[dict[str, Any]] = field(default_factory=list)
    _unread: bytes = b""

    @classmethod
    def begin(cls, launch: Launch, has_terminal: bool = False) -> WorkerProcess:
        """Begin a worker, which loads what it needs and waits."""
        return cls.of(*begin_worker(launch, has_terminal))

    @classmethod
    def of(cls, process: WorkerHandle, reports: int, errors: IO[bytes]) -> WorkerProcess:
        """A worker that runs already, what it reports to and where it writes its errors."""
        os.set_blocking(reports, False)
        return cls(process, reports, errors)

    def give(self, line: str) -> None:
        """Give it its order. One that is dead already is found out later."""
        self.begun = time.monotonic()
        self.tell(line)

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()

    def listen(self) -> list[str]:
        """Take in what it reports; returns what it wants to be said."""
        n_left = MOST_HEARD
        with suppress(BlockingIOError):
            while n_left > 0 and (received := os.read(self.reports, 1 << 16)):
                self._unread += received
                n_left -= len(received)
        *lines, self._unread = self._unread.split(b"\n")
        said = []
        self.heard = time.monotonic() if lines else self.heard
        for line in lines:
            message = json.loads(line)
            match message["message"]:
                case "ready":
                    self.is_ready = True
                case "progress":
                    self.progress = message["doing"]
                case "say":
                    said.append(message["text"])
                case "outcome":
                    self.outcome = message
                case "followed" | "not followed" | "probed" | "provisional" | "ahead":
                    self.followed.append(message)
        return said

    @property
    def is_alive(self) -> bool:
        """It has not ended."""
        return self.process.poll() is None

    @property
    def seconds(self) -> float:
        """Since it was given its order."""
        return time.monotonic() - self.begun

    def measure_memory(self) -> int:
        """Bytes that it uses now."""
        used = memory_in_use(self.process.pid)
        self.most_memory = max(self.most_memory, used)
        return used

    def kill(self, because: str = "") -> None:
        """End it and its children at once."""
        self.stopped_for = self.stopped_for or because
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Let it go: without an input it ends."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        os.close(self.reports)
        self.errors.close()

    def how_it_ended(self) -> str:
        """In words."""
        if self.stopped_for:
            return self.stopped_for
        status = self.process.poll()
        if status is None or status >= 0:
            return f"its worker ended without a result (exit status {status})"
        name = signal.Signals(-status).name
        killed = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its worker was ended by {name}{killed}"

    def last_words(self) -> str:
        """What it wrote to its standard error: its beginning, which names a fatal error, and its end."""
        with suppress(OSError, ValueError):
            length = self.errors.seek(0, os.SEEK_END)
            self.errors.seek(0)
            words = self.errors.read(KEPT)
            self.errors.seek(max(KEPT, length - KEPT))
            end = self.errors.read()
            between = b"\n...\n" if length > 2 * KEPT else b""
            return (words + between + end).decode(errors="replace").strip()
        return ""


def gist(words: str) -> str:
    """The line of a dead worker's words that says most: a fatal error's name, or the last."""
    lines = words.splitlines()
    fatal = [line for line in lines if line.startswith("Fatal")]
    return (fatal or lines[-1:] or [""])[0]


def wait_for_any(workers: Sequence[WorkerProcess], timeout: float) -> None:
    """Wait until one of them reports or ends, or the time is over."""
    if not workers:
        time.sleep(timeout)
        return
    select.select([w.reports for w in workers if w.is_alive], [], [], timeout)
