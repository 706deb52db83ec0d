"""A heartbeat of its own: a loop that is held up, by a slow disk for example, does not look like a dead program."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from autoproc.errors import AutoprocError
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import LONGEST_INTERVAL
from autoproc.service.processes.program import this_program

LONGEST_TURN = 600.0
"""Seconds for which a loop that does not turn is vouched for: file servers come back sooner, or not at all."""


class Heartbeat:
    """Says from a thread of its own, in the queue's file, that this program and its jobs are alive.

    open_queue : opens the queue for that thread; lease : see `service.lease`
    """

    def __init__(self, open_queue: Callable[[], JobQueue], lease: float, longest_turn: float = LONGEST_TURN) -> None:
        self._open, self._lease, self._longest_turn = open_queue, lease, longest_turn
        self._interval = min(lease / 4, LONGEST_INTERVAL)
        self._me = this_program()
        self._turned = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def turned(self) -> None:
        """The loop turns."""
        self._turned = time.monotonic()

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join(self._interval)

    def _beat_on(self) -> None:
        queue: JobQueue | None = None
        while not self._is_over.wait(self._interval):
            if time.monotonic() - self._turned > self._longest_turn:
                continue
            try:
                queue = queue or self._open()
                queue.programs.beat(self._me, self._lease)
            except (sqlite3.Error, OSError, AutoprocError):  # the disk is full or away: the next beat may be heard
                _close(queue)
                queue = None
        _close(queue)


def _close(queue: JobQueue | None) -> None:
    if queue is not None:
        with suppress(sqlite3.Error):
            queue.close()
