"""A thread that looks how things stand and has the staff told; nothing in it holds up the work, or ends it."""

from __future__ import annotations

import os
import queue as queues
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from autoproc.errors import AutoprocError
from autoproc.service.events import Event, Listener
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.notices.conditions import Late, NoticeFacts, Room, conditions
from autoproc.service.notices.due import Notice, ToldTroubles, state_file
from autoproc.service.notices.params import NoticeParams
from autoproc.service.notices.senders import FAILURES, Send, senders
from autoproc.service.watching.sweeps_coming import WHOLE

INTERVAL = 10.0
"""Seconds between two looks: soon enough for people, and a look is a few questions to the queue."""
MOST_UNDER_WAY = 8
"""Sendings under way at a time; where so many hang, others are given up at once."""


class Notices:
    """Looks, and sends. A context: the thread runs within it.

    open_queue : opens the queue for the thread; output : the folder of results; watched : directories, and where there
    are none nobody is told: somebody waits for the program to end; tell : hears of what is sent, or is not
    """

    def __init__(
        self,
        params: NoticeParams,
        open_queue: Callable[[], JobQueue],
        output: Path,
        watched: Sequence[Path],
        tell: Listener,
    ) -> None:
        self._params, self._open, self._tell = params, open_queue, tell
        self._folders, self._is_wanted = [output.absolute(), *watched], bool(watched) and params.is_wanted
        self._state = state_file(output / ".autoproc")
        self._ways = senders(params, str(output.absolute()))
        self._standing = ToldTroubles(params.most_an_hour, params.settled_for)
        self._seen: dict[str, tuple[int, float]] = {}
        self._events: queues.SimpleQueue[Event] = queues.SimpleQueue()
        self._sending: list[threading.Thread] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="notices", daemon=True)

    def __enter__(self) -> Notices:
        if self._is_wanted:
            self._standing.read(self._state)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_over.set()

    def poll(self) -> None:
        """Say on the terminal and in the log what was sent since the last time, or was not."""
        with suppress(queues.Empty):
            while True:
                self._tell(self._events.get_nowait())

    def _look_on(self) -> None:
        queue: JobQueue | None = None
        while not self._is_over.wait(INTERVAL):
            try:
                queue = queue or self._open()
                self.look(queue, time.time())
            except (sqlite3.Error, OSError, AutoprocError):  # the disk is full or away: looked at again
                _close(queue)
                queue = None
        _close(queue)

    def look(self, queue: JobQueue, now: float) -> None:
        """Once: what is wrong is told, what is over too. Raises what queue and disks raise."""
        notices = self._standing.due(conditions(self._facts(queue, now), self._params), now)
        for notice in notices:
            self._events.put(Event("notice", "", {"text": f"notice to the staff: {notice.text}", "what": notice.what}))
            for name, send in self._ways.items():
                self._begin_sending(name, send, notice)
        self._standing.write(self._state)

    def _facts(self, queue: JobQueue, now: float) -> NoticeFacts:
        most = max(self._params.beam_off, self._params.failures_in_row, 1)
        return NoticeFacts(
            self._late(queue, now),
            queue.overview.numbers().get(JobState.queued, 0),
            queue.overview.latest_ends(most),
            [room for room in map(_room, self._folders) if room is not None],
        )

    def _late(self, queue: JobQueue, now: float) -> list[Late]:
        """The sweeps that lack images, and how long ago each was seen to grow."""
        arriving = [one for one in queue.programs.arriving() if one.words != WHOLE]
        before = self._seen
        self._seen = {
            one.path: before[one.path] if before.get(one.path, (None,))[0] == one.n_images else (one.n_images, now)
            for one in arriving
        }
        return [Late(one.name, one.n_images, now - self._seen[one.path][1]) for one in arriving]

    def _begin_sending(self, name: str, send: Send, notice: Notice) -> None:
        self._sending = [thread for thread in self._sending if thread.is_alive()]
        if len(self._sending) >= MOST_UNDER_WAY:
            self._complain(name, "earlier notices are still being sent")
            return
        thread = threading.Thread(target=self._send, args=(name, send, notice), name="notice", daemon=True)
        self._sending.append(thread)
        thread.start()

    def _send(self, name: str, send: Send, notice: Notice) -> None:
        try:
            send(notice)
        except FAILURES as error:
            self._complain(name, str(error) or type(error).__name__)

    def _complain(self, name: str, why: str) -> None:
        self._events.put(Event("hook failed", "", {"text": f"a notice was not sent by {name}: {why}"}))


def _close(queue: JobQueue | None) -> None:
    with suppress(sqlite3.Error):
        if queue is not None:
            queue.close()


def _room(folder: Path) -> Room | None:
    """The room on a folder's disk; None where it cannot be told."""
    with suppress(OSError):
        found = os.statvfs(folder)
        if found.f_blocks:
            return Room(str(folder), found.f_bavail / found.f_blocks, found.f_bavail * found.f_frsize)
    return None
