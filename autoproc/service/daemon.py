"""The loop of `autoproc run`: what is found goes into the queue, and the queue is worked off."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from types import FrameType
from typing import Protocol

from autoproc.service.events import Event, Listener
from autoproc.service.following.followers import Followers
from autoproc.service.groups.grouping import Grouping
from autoproc.service.index_page import IndexPage
from autoproc.service.intake import Intake
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.notices.hooks import Hooks
from autoproc.service.signs_of_life.announcement import Announcement
from autoproc.service.supervisor import Supervisor
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.wording import counted

PATIENCE = 0.25
"""Seconds to wait for news of images, or of workers, at a time."""
LONGEST_TAKING = 0.5
"""Seconds after which what is found waits for the next turn: workers wait too."""
TOGETHER = 50
"""Sweeps that are taken in at once: one wait for the disk, which takes as long as all else of 10 to 50 sweeps."""
SAME_SIGNAL = 0.5
"""Seconds within which two signals are one."""
TROUBLE = 5.0
"""Seconds to wait when the queue's file cannot be written or read."""


class Finder(Protocol):
    """Who finds sweeps."""

    def poll(self, timeout: float) -> list[FoundSweep | ListedImages]:
        """What has become complete, waiting for it at most so many seconds."""


class Stop:
    """Signals that ask the program to stop: once to finish what is under way, twice to stop at once."""

    def __init__(self) -> None:
        self.n_asked = 0
        self.signal = 0
        self._last = 0.0

    def __call__(self, number: int, _: FrameType | None) -> None:
        """A signal has come; one sent to the group as well as to the program counts once."""
        now = time.monotonic()
        if self.n_asked and now - self._last < SAME_SIGNAL:
            return
        self._last = now
        self.n_asked += 1
        self.signal = number
        if self.n_asked > 1:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch SIGTERM and SIGINT meanwhile, and let SIGHUP pass."""
        before = [signal.signal(number, self) for number in (signal.SIGTERM, signal.SIGINT)]
        hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that goes away stops nobody
        try:
            yield
        finally:
            for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
                signal.signal(number, handler)
            signal.signal(signal.SIGHUP, hangup)


class Daemon:
    """Finder, queue, supervisor and hooks, looked after in turn. turned : told at every turn."""

    def __init__(
        self,
        supervisor: Supervisor,
        intake: Intake,
        hooks: Hooks,
        tell: Listener,
        finder: Finder | None = None,
        stop: Stop | None = None,
        page: IndexPage | None = None,
        announcement: Announcement | None = None,
        turned: Callable[[], None] = lambda: None,
        grouping: Grouping | None = None,
        followers: Followers | None = None,
    ) -> None:
        self.supervisor, self.intake, self.hooks, self.finder = supervisor, intake, hooks, finder
        self._tell = tell
        self._found: deque[FoundSweep | ListedImages] = deque()
        self.stop = stop or Stop()
        self._page, self._announcement, self._turned, self._grouping = page, announcement, turned, grouping
        self._followers = followers

    @property
    def queue(self) -> JobQueue:
        """The queue."""
        return self.supervisor.queue

    def run(self, is_done: Callable[[], bool], grace_time: float) -> None:
        """Work until it is done, or until it is told to stop: then finish within a grace time, or hand back."""
        try:
            while not self.stop.n_asked and not self.turn(is_done):
                pass
            if self.stop.n_asked:
                self._finish(grace_time)
        finally:
            if self._followers is not None:
                self._followers.close()
            self.supervisor.hand_back()
            if self._announcement is not None:
                self._announcement.leave()
            if self._page is not None:
                with suppress(sqlite3.OperationalError):
                    self._page.finish()
        if not self.stop.n_asked:
            self.hooks.finish()

    def turn(self, is_done: Callable[[], bool]) -> bool:
        """Look after everything once; returns whether it is done."""
        try:
            self._turned()
            self.hooks.poll()
            self._look()
            if self._grouping is not None:
                self._grouping.poll()
            self.supervisor.step()
            if self._followers is not None:
                self._followers.poll()
            if self._announcement is not None:
                self._announcement.poll()
            if self._page is not None:
                self._page.poll()
            return is_done()
        except (sqlite3.OperationalError, OSError) as error:  # the edge: disks fill, and are emptied again
            self._tell(Event("trouble", "", {"text": f"the queue {self.queue.path}: {error}; tried again"}))
            self._pause(TROUBLE)
            return False

    def _look(self) -> None:
        """Take in what is found, or wait for the workers."""
        if self.finder is None:
            self.supervisor.wait(PATIENCE)
            return
        self._found += self.finder.poll(0.0 if self._found else PATIENCE)
        if self._found and self._announcement is not None:
            self._announcement.hurry()
        deadline = time.monotonic() + LONGEST_TAKING
        while self._found and time.monotonic() < deadline:
            together = list(islice(self._found, TOGETHER))
            self.intake.take(*together)
            for _ in together:
                self._found.popleft()

    def _finish(self, grace_time: float) -> None:
        """Let what is under way come to its end, within the grace time."""
        deadline = time.monotonic() + grace_time
        if self._followers is not None:  # no sweep is begun any more that they could help
            self._followers.close()
        if self.supervisor.n_to_finish and grace_time:
            sweeps = counted(self.supervisor.n_to_finish, "sweep")
            text = f"finishing {sweeps} for {grace_time:g} s; once more stops at once"
            self._tell(Event("stopping", "", {"text": text}))
        while (self.supervisor.n_to_finish or self.hooks.poll()) and time.monotonic() < deadline:
            self._turned()
            self.supervisor.wait(PATIENCE)
            with suppress(sqlite3.OperationalError, OSError):
                self.supervisor.step(take_more=False)

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.stop.n_asked and time.monotonic() < deadline:
            time.sleep(0.1)


def told_to_all(listeners: Sequence[Listener]) -> Listener:
    """One listener for several."""

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell
