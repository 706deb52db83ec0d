"""What happens in the queue, told to every page that listens, as server-sent events.

One look at the queue serves all pages. Each event carries the number of its last change; a browser that was away says
the last that it has seen (Last-Event-ID) and is told of each sweep that has changed since.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autoproc.dashboard.reader import QueueReader
from autoproc.dashboard.rows import row_of
from autoproc.errors import AutoprocError
from autoproc.service.changes import COMING, Change
from autoproc.service.jobs import JobQueue

LOOK = 0.5
"""Seconds between two looks at the queue: sooner than people notice."""
MOST_ROWS = 300
"""Sweeps told of in one event; where more have changed, the page is to be loaded anew."""
MOST_WAITING = 20
"""Events that wait for a browser that does not take them; then it is dropped, comes back, and catches up."""
KEEP_ALIVE = 15.0
"""Seconds of silence after which an empty line is sent, so that nobody in between takes the connection for dead."""


@dataclass(frozen=True, slots=True)
class News:
    """An event, ready to be sent; number : of the last change in it."""

    number: int
    kind: str
    data: str

    @property
    def text(self) -> str:
        """As it goes over the wire."""
        return f"id: {self.number}\nevent: {self.kind}\ndata: {self.data}\n\n"


class Feed:
    """Looks at the queue, and tells those who follow."""

    def __init__(self, reader: QueueReader) -> None:
        self._reader = reader
        self._followers: set[asyncio.Queue[News | None]] = set()
        self._stamp: int | None = None
        self._number = 0

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            with suppress(sqlite3.Error, OSError, AutoprocError):  # the disk is away: the next look may find it
                news = await self._reader.ask(self._look)
                for one in news:
                    self._tell(one)
            await asyncio.sleep(LOOK)

    def _look(self, queue: JobQueue) -> list[News]:
        stamp = queue.changes.stamp
        if stamp == self._stamp:
            return []
        is_first, self._stamp = self._stamp is None, stamp
        before, self._number = self._number, queue.changes.latest
        return [] if is_first else news_since(queue, before)

    def _tell(self, news: News) -> None:
        for follower in list(self._followers):
            if follower.qsize() >= MOST_WAITING:
                self._followers.discard(follower)
                follower.put_nowait(None)
            else:
                follower.put_nowait(news)

    async def follow(self, seen: int | None) -> AsyncIterator[str]:
        """Events as text, from what has changed after `seen` on; None: from now on."""
        waiting: asyncio.Queue[News | None] = asyncio.Queue()
        self._followers.add(waiting)
        try:
            yield "retry: 2000\n\n"
            last = seen if seen is not None else -1
            if seen is not None:
                for news in await self._reader.ask(lambda queue: news_since(queue, seen)):
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
                if one.number > last:
                    last = one.number
                    yield one.text
        finally:
            self._followers.discard(waiting)


def news_since(queue: JobQueue, number: int) -> list[News]:
    """What has changed after a number, as one event; none where nothing has."""
    changes = queue.changes.since(number)
    if not changes:
        return []
    last = changes[-1].number
    if len(changes) > MOST_ROWS:
        return [News(last, "reload", "{}")]
    return [News(last, "sweeps", json.dumps(_facts(queue, changes)))]


def _facts(queue: JobQueue, changes: list[Change]) -> dict[str, Any]:
    gone = queue.interrupted()
    ids = [change.job_id for change in changes if change.job_id != COMING]
    facts: dict[str, Any] = {
        "rows": [row_of(queue.job(number), gone) for number in ids],
        "numbers": {str(state): n for state, n in queue.overview.numbers().items()},
    }
    if len(ids) < len(changes):
        facts["arriving"] = [arriving.facts() for arriving in queue.presence.arriving()]
    return facts
