"""What happens in the queue, told to every page that listens, as server-sent events.

One look at the queue serves all pages. Each event carries the number of its last change; a browser that was away says
the last that it has seen (Last-Event-ID) and is told of each sweep that has changed since.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from autoproc.dashboard.reader import QueueReader
from autoproc.errors import AutoprocError
from autoproc.service.job_queue.changes import COMING
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue

LOOK = 0.5
"""Seconds between two looks at the queue: sooner than people notice."""
MOST_ROWS = 300
"""Sweeps told of in one event; where more have changed, the page is to be loaded anew."""
MOST_WAITING = 20
"""Events that wait for a browser that does not take them; then it is dropped, comes back, and catches up."""
KEEP_ALIVE = 15.0
"""Seconds of silence after which an empty line is sent, so that nobody in between takes the connection for dead."""

Tell: TypeAlias = Callable[[JobQueue, Sequence[int]], str]
"""What is told of the sweeps of these numbers, as JSON."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An event, ready to be sent; number : of the last change in it."""

    number: int
    kind: str
    data: str

    @property
    def text(self) -> str:
        """As it goes over the wire."""
        return f"id: {self.number}\nevent: {self.kind}\ndata: {self.data}\n\n"


@dataclass(frozen=True, slots=True)
class VisitStanding:
    """What can change without a change of the queue: who is at work, and whose sweeps are left."""

    gone: frozenset[int]
    watched: tuple[str, ...]
    is_attended: bool

    @classmethod
    def of(cls, queue: JobQueue) -> VisitStanding:
        """As it is now."""
        return cls(queue.interrupted(), tuple(queue.programs.watched()), queue.programs.is_attended)


class Feed:
    """Looks at the queue, and tells those who follow; tell : what is told."""

    def __init__(self, reader: QueueReader, tell: Tell) -> None:
        self._reader, self._told = reader, tell
        self._followers: set[asyncio.Queue[FeedItem | None]] = set()
        self._standing: VisitStanding | None = None
        self._number = 0

    @property
    def n_followers(self) -> int:
        """How many pages listen."""
        return len(self._followers)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            with suppress(sqlite3.Error, OSError, AutoprocError):  # the disk is away: the next look may find it
                news = await self._reader.ask(self._look)
                for one in news:
                    self._tell(one)
            await asyncio.sleep(LOOK)

    def _look(self, queue: JobQueue) -> list[FeedItem]:
        latest, standing = queue.changes.latest, VisitStanding.of(queue)
        before, was = self._number, self._standing
        if was is None:
            queue.overview.list.tally()  # so that who comes first need not wait for it
        if was is None or (latest == before and standing == was):
            self._number, self._standing = latest, standing
            return []
        news = self._news(queue, before, sorted(standing.gone ^ was.gone)) if self._followers else []
        self._number, self._standing = latest, standing
        return news

    def _news(self, queue: JobQueue, number: int, others: Sequence[int]) -> list[FeedItem]:
        """What has changed after a number, and these others, as one event."""
        changes = queue.changes.since(number)
        ids = {change.job_id: None for change in changes if change.job_id != COMING} | dict.fromkeys(others)
        last = changes[-1].number if changes else number
        if len(ids) > MOST_ROWS:
            return [FeedItem(last, "reload", "{}")]
        return [FeedItem(last, "sweeps", self._told(queue, list(ids)))]

    def _caught_up(self, queue: JobQueue, seen: int) -> list[FeedItem]:
        """What somebody has missed who has seen all up to a number: also who was left by a program since."""
        if seen > queue.changes.latest:  # of another queue
            return [FeedItem(queue.changes.latest, "reload", "{}")]
        return self._news(queue, seen, [job.id for job in queue.overview.next_in(JobState.running, MOST_ROWS)])

    def _tell(self, news: FeedItem) -> None:
        for follower in list(self._followers):
            if follower.qsize() >= MOST_WAITING:
                self._followers.discard(follower)
                follower.put_nowait(None)
            else:
                follower.put_nowait(news)

    def dismiss(self) -> None:
        """Those who listen come back, and are asked again who they are."""
        for follower in list(self._followers):
            self._followers.discard(follower)
            follower.put_nowait(None)

    async def follow(self, seen: int | None) -> AsyncIterator[str]:
        """Events as text, from what has changed after `seen` on; None: from now on."""
        waiting: asyncio.Queue[FeedItem | None] = asyncio.Queue()
        self._followers.add(waiting)
        try:
            yield "retry: 2000\n\n"
            last = -1
            if seen is not None:
                for news in await self._reader.ask(lambda queue: self._caught_up(queue, seen)):
                    last = news.number
                    yield news.text
            while True:
                try:
                    one = await asyncio.wait_for(waiting.get(), KEEP_ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if one is None:
                    return
                if one.number >= last:  # with the same number: who is at work has changed
                    last = one.number
                    yield one.text
        finally:
            self._followers.discard(waiting)
