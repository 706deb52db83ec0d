"""index.html beside the folders of results: refreshed as sweeps are found, begun and finished."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from autoproc.reports.visit_index import Alive, ListedRow, SweepRow, sweep_row, visit_index
from autoproc.service.events import Event
from autoproc.service.job import INTERRUPTED, TO_RESUME, Job, State
from autoproc.service.jobs import JobQueue
from autoproc.service.outputs import Outputs
from autoproc.service.presence import Arriving
from autoproc.wording import counted

REFRESH = 10
"""Seconds after which a browser loads the page anew."""
LEAST_INTERVAL = 2.0
"""Seconds between two writings of the page at least, however much happens."""
PULSE = 5.0
"""Seconds between two writings while sweeps wait or are under way, so that a page that stands still tells of a program
that is gone."""
MISSED = 4
"""Writings that are missed before that is said: a slow disk may cost some."""
LARGEST_SHARE = 0.05
"""Part of the time that writing the page may take: the more sweeps, the rarer it is written. Chosen, not measured."""
SILENT = ("said", "begin", "already", "hook failed", "trouble", "stopping")
"""Events after which the page would be the same."""


class VisitPage:
    """The page, and when it was written. A listener: what happens makes it stale; `poll` writes it."""

    def __init__(self, queue: JobQueue, outputs: Outputs) -> None:
        self._queue, self._outputs = queue, outputs
        self._is_stale = True
        self._is_open = False
        self._due = self._pulse = self._interval = 0.0

    def __call__(self, event: Event) -> None:
        """Something has happened."""
        self._is_stale = self._is_stale or event.kind not in SILENT

    def touch(self) -> None:
        """What is coming has changed."""
        self._is_stale = True

    def poll(self) -> None:
        """Write the page if it is stale, and not too soon after the last time; while sweeps are open, now and then."""
        now = time.monotonic()
        if now >= self._due and (self._is_stale or (self._is_open and now >= self._pulse)):
            self.write()

    def finish(self) -> None:
        """Write the page for the last time: nobody is at work any more."""
        if self._is_stale or self._is_open:
            self.write(is_over=not self._queue.presence.is_attended)

    def write(self, is_over: bool = False) -> None:
        """Write the page; a disk that is full costs nobody a result."""
        self._is_stale, begun = False, time.monotonic()
        path = self._outputs.output / "index.html"
        part = path.with_name(".index.html.part")
        with suppress(OSError):
            rows, arriving = self._queue.rows(), self._queue.presence.arriving()
            self._is_open = bool(arriving) or any(not job.state.is_settled for job in rows)
            silence = MISSED * max(PULSE, self._interval)
            alive = Alive(round(time.time(), 1), silence, is_over)
            page = page_of(rows, path.parent, arriving, self._queue.interrupted(), alive)
            part.write_text(page, encoding="utf-8", errors="backslashreplace")
            part.replace(path)
        done = time.monotonic()
        self._interval = (done - begun) / LARGEST_SHARE
        self._due, self._pulse = done + max(LEAST_INTERVAL, self._interval), done + PULSE


def page_of(
    jobs: Sequence[Job],
    output: Path,
    arriving: Sequence[Arriving] = (),
    interrupted: Collection[int] = (),
    alive: Alive | None = None,
) -> str:
    """The page of a queue: what is coming, then the latest images first; what was not processed below."""
    latest = sorted(jobs, key=lambda job: (-job.completed_at, job.name))
    visits = {job.visit for job in jobs if job.visit}
    common = Path(os.path.commonpath(visits)).name if visits else output.resolve().parent.name
    rows = [sweep_row(a.name, "arriving", {}, a.n_images, coming(a)) for a in arriving]
    several = len(visits) > 1
    rows += [_row(job, several, job.id in interrupted) for job in latest if job.state is not State.listed]
    listed = [
        ListedRow(job.path, job.n_images, job.error or job.partial) for job in latest if job.state is State.listed
    ]
    written = datetime.now().strftime("%d %b %Y %H:%M:%S")
    return visit_index(rows, listed, common or "autoproc", written, REFRESH, alive)


def _row(job: Job, several: bool, is_interrupted: bool) -> SweepRow:
    if is_interrupted:
        return sweep_row(job.name, INTERRUPTED, {}, job.n_images, TO_RESUME, job.visit if several else "")
    words = job.progress if job.state is State.running else job.error or job.result.get("error") or ""
    visit = job.visit if several else ""
    return sweep_row(job.name, job.state, job.result, job.n_images, words, visit, bool(job.partial))


def coming(arriving: Arriving) -> str:
    """What is known of a sweep that is coming."""
    return f"{counted(arriving.n_images, 'image')} so far; {arriving.words}"
