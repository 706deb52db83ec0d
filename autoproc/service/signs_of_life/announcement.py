"""A program says that it is at work on the queue, and what it sees coming."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress

from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_program
from autoproc.service.processes.time_share import Share

LEAST_INTERVAL = 3.0
"""Seconds between two tellings of what is coming: people look no oftener."""
LARGEST_SHARE = 0.05
"""Part of the time that telling may take. Chosen, not measured."""
BEAT = 20.0
"""Seconds after which a program says that it is there though nothing has changed."""


class Announcement:
    """That this program is there. What is said is for people: a queue that cannot be written is no reason to stop.

    watches : directories; see : what is coming now; on_change : told when that has changed
    count : how many sweeps are coming now, those that are not shown one by one with them
    """

    def __init__(
        self,
        queue: JobQueue,
        watches: Sequence[str] = (),
        see: Callable[[], Sequence[Arriving]] = tuple,
        on_change: Callable[[], None] = lambda: None,
        count: Callable[[], int] = int,
    ) -> None:
        self._queue, self._watches, self._see, self._on_change = queue, watches, see, on_change
        self._count, self._n_counted = count, 0
        self._me = this_program()
        self._shown: list[Arriving] = []
        self._beating = Share(1.0, BEAT)
        self._telling = Share(LARGEST_SHARE, LEAST_INTERVAL)

    def hurry(self) -> None:
        """Something has become complete: it is to be seen in one place only."""
        self._telling.hurry()

    def poll(self) -> None:
        """Say it if it is time to."""
        if self._beating.is_due:
            with self._beating.taken():
                self._queue.programs.attend(self._me, self._watches)
        if self._telling.is_due:
            with self._telling.taken():
                self._tell()

    def _tell(self) -> None:
        seen, n_counted = list(self._see()), self._count()
        if (seen, n_counted) != (self._shown, self._n_counted):
            self._queue.programs.show(self._me, seen, n_counted)
            self._shown, self._n_counted = seen, n_counted
            self._on_change()

    def leave(self) -> None:
        """The program goes."""
        with suppress(sqlite3.OperationalError):
            self._queue.programs.leave(self._me)
        if self._shown:
            self._shown = []
            self._on_change()
