"""The visit as a user sees it who may not see all: with a connection of his own to the queue, which shows his sweeps.

It is thrown away after a while and made anew, as rights change; pages that listen then come back by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from autoproc.dashboard.access.image_links import folders_of_all, folders_of_ends
from autoproc.dashboard.access.rights import Ways, may_ask, may_see
from autoproc.dashboard.access.viewer import Viewer
from autoproc.dashboard.feed import Feed, Tell
from autoproc.dashboard.reader import QueueReader
from autoproc.service.job_queue.job import Job
from autoproc.service.job_queue.jobs import JobQueue

FRESH = 300.0
"""Seconds for which what a user may see is taken to be the same."""
LINGERING = 60.0
"""Seconds after which a connection is closed that nobody is given any more: longer than any page is made."""
MOST = 32
"""Users who see a part at a time; the one who was there longest ago makes room, and is let in anew when he comes."""


class OwnRights:
    """What one user may see and ask for, folder by folder; each folder is looked at once."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer, self._ways = viewer, Ways()
        self._seen: dict[str, bool] = {}
        self._ends: dict[str, bool] = {}
        self._all: dict[str, bool] = {}

    def may_see(self, path: str, first: int | None = None, last: int | None = None) -> bool:
        """The sweep of a template or master file, as far as its folder and its first and last image tell."""
        folder = path.rpartition("/")[0]
        if path not in self._ends:
            self._ends[path] = self._sees(folder) and all(map(self._sees, folders_of_ends(path, first, last)))
        return self._ends[path]

    def may_read(self, folder: str) -> bool:
        """The files of a folder, by its path without links."""
        return self._sees(folder)

    def may_see_images(self, job: Job, queue: JobQueue) -> bool:
        """Every image of a sweep, or of each sweep of a group, wherever links among them lead."""
        return all(one is not None and self._sees_all(one.path) for one in _sweeps_of(job, queue))

    def may_ask(self, job: Job, queue: JobQueue) -> bool:
        """Have something done with a sweep, or with a group: with each of its sweeps."""
        jobs = _sweeps_of(job, queue)
        return bool(jobs) and all(one is not None and self._may_ask(one.path) for one in jobs)

    def _sees(self, folder: str) -> bool:
        if folder not in self._seen:
            self._seen[folder] = may_see(self._ways.to(folder), self._viewer)
        return self._seen[folder]

    def _sees_all(self, path: str) -> bool:
        if path not in self._all:
            self._all[path] = self._sees(path.rpartition("/")[0]) and all(map(self._sees, folders_of_all(path)))
        return self._all[path]

    def _may_ask(self, path: str) -> bool:
        return may_ask(self._ways.to(path.rpartition("/")[0]), self._viewer)


def _sweeps_of(job: Job, queue: JobQueue) -> list[Job | None]:
    """The sweep itself, or those of a group; None for one that is not there, or not to be seen."""
    names = job.result.get("members", ()) if job.kind == "combined" else (job.name,)
    return [queue.by_name(name) for name in names]


@dataclass(frozen=True, slots=True)
class OwnVisit:
    """What a user sees: his rights, the queue as it is for him, and what happens there."""

    rights: OwnRights
    reader: QueueReader
    feed: Feed
    watch: asyncio.Task[None]

    def close(self) -> None:
        """Those who listen are told to come back; questions that are being asked are answered first."""
        self.watch.cancel()
        self.feed.dismiss()
        asyncio.get_running_loop().call_later(LINGERING, self.reader.leave)


class OwnVisits:
    """Those of the users who have lately been there; open_queue, tell : as of readers and feeds."""

    def __init__(self, open_queue: Callable[[], JobQueue], tell: Tell) -> None:
        self._open, self._told = open_queue, tell
        self._visits: dict[Viewer, OwnVisit] = {}

    def of(self, viewer: Viewer) -> OwnVisit:
        """That of a user; in the event loop."""
        own = self._visits.pop(viewer, None) or self._made(viewer)
        self._visits[viewer] = own
        while len(self._visits) > MOST:
            self._visits.pop(next(iter(self._visits))).close()
        return own

    def _made(self, viewer: Viewer) -> OwnVisit:
        rights = OwnRights(viewer)

        def open_part() -> JobQueue:
            queue = self._open()
            queue.show_only(rights.may_see)
            return queue

        reader = QueueReader(open_part)
        feed = Feed(reader, self._told)
        own = OwnVisit(rights, reader, feed, asyncio.create_task(feed.watch()))
        asyncio.get_running_loop().call_later(FRESH, self._is_old, viewer, own)
        return own

    def _is_old(self, viewer: Viewer, own: OwnVisit) -> None:
        if self._visits.get(viewer) is own:
            del self._visits[viewer]
            own.close()

    def dismiss(self) -> None:
        """Those who listen are told no more."""
        for own in self._visits.values():
            own.feed.dismiss()

    async def close(self) -> None:
        """All of them; nothing is asked any more."""
        visits = list(self._visits.values())
        self._visits.clear()
        for own in visits:
            own.watch.cancel()
            with suppress(asyncio.CancelledError):
                await own.watch
            own.reader.close()
