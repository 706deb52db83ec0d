"""index.html beside the folders of results: refreshed as sweeps are found, begun and finished.

It shows the latest sweeps; where there are more, pages of so many each show all, and only those are written anew whose
sweeps have changed. So what is written at a time does not grow with the visit.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from autoproc.legible import natural_key
from autoproc.reports.visit_index import Alive, ListedRow, SweepRow, sweep_row, visit_index
from autoproc.service.events import Event
from autoproc.service.job_queue.job import INTERRUPTED, TO_RESUME, Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.overview import numbers_of
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.time_share import Share
from autoproc.service.results.outputs import Outputs
from autoproc.service.signs_of_life.life_line import LifeLine, now_in_words, replace_page
from autoproc.service.sweeps.sample_groups import COMBINED
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
MOST = 200
"""Sweeps of each state on index.html, and sweeps on each further page: as many as a browser shows at once."""
SILENT = ("said", "begin", "already", "hook failed", "trouble", "stopping")
"""Events after which the page would be the same."""


class IndexPage:
    """The pages, and when they were written. A listener: what happens makes them stale; `poll` writes them."""

    def __init__(self, queue: JobQueue, outputs: Outputs, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue, self._folder, self._clock = queue, outputs.output, clock
        self._is_stale = True
        self._is_open = False
        self._writing = Share(LARGEST_SHARE, LEAST_INTERVAL, clock)
        self._pulse = 0.0
        self._life = LifeLine(outputs)
        self._written: dict[int, str] = {}

    def __call__(self, event: Event) -> None:
        """Something has happened."""
        self._is_stale = self._is_stale or event.kind not in SILENT

    def touch(self) -> None:
        """What is coming has changed."""
        self._is_stale = True

    def poll(self) -> None:
        """Write the page if it is stale, and not too soon after the last time; while sweeps are open, now and then."""
        self._life.poll()
        if self._writing.is_due and (self._is_stale or (self._is_open and self._clock() >= self._pulse)):
            self.write()

    def finish(self) -> None:
        """Write all pages that are stale for the last time: nobody is at work any more."""
        is_over = not self._queue.programs.is_attended
        self._life.write(is_over)
        if self._is_open:
            self.write(is_over)
        while self._is_stale:
            self.write(is_over)

    def write(self, is_over: bool = False) -> None:
        """Write index.html, and the next of the further pages that is stale; a full disk costs nobody a result."""
        self._is_stale = False
        silence = MISSED * max(PULSE, self._writing.wait_after)
        with self._writing.taken(), suppress(OSError):
            overview, there = self._queue.overview, self._queue.programs
            looks, tally = overview.looks(MOST), overview.tally()
            numbers = numbers_of(tally)
            jobs = [job for state in numbers for job in overview.next_in(state, MOST)]
            arriving, n_arriving, interrupted = there.arriving(), there.n_arriving, self._queue.interrupted()
            self._is_open = n_arriving > 0 or any(not state.is_settled for state in numbers)
            further = looks if sum(numbers.values()) > len(jobs) else {}
            page = page_of(
                jobs, self._folder, arriving, interrupted, Alive(round(time.time(), 1), silence, is_over),
                told_tally(tally, n_arriving, len(interrupted)), _links(further), overview.n_groups(),
            )  # fmt: skip
            self._replace("index.html", page)
            self._write_next(further)
        self._pulse = self._clock() + PULSE

    def _write_next(self, looks: Mapping[int, str]) -> None:
        stale = [number for number, look in looks.items() if self._written.get(number) != look]
        if not stale:
            return
        number = stale[0]
        jobs = self._queue.overview.stretch(number, MOST)
        self._replace(_name(number), page_of(jobs, self._folder, pages=_links(looks, number)))
        self._written[number], self._is_stale = looks[number], len(stale) > 1

    def _replace(self, name: str, page: str) -> None:
        replace_page(self._folder / name, page)


def told_tally(
    tally: Mapping[tuple[str, str], int], n_arriving: int, n_interrupted: int
) -> Mapping[tuple[str, str], int]:
    """How many sweeps of each state and verdict there are, in the order in which they are told."""
    told = Counter({key: n for key, n in tally.items() if key[0] != JobState.listed})
    told[JobState.running, ""] -= n_interrupted
    return {("arriving", ""): n_arriving, (INTERRUPTED, ""): n_interrupted, **told}


def _name(number: int) -> str:
    return f"index-{number + 1}.html"


def _links(numbers: Mapping[int, str], here: int | None = None) -> list[tuple[str, str]]:
    """Words and addresses of the further pages; no address for the page itself."""
    if not numbers:
        return []
    links = [(f"{n * MOST + 1} to {(n + 1) * MOST}", "" if n == here else _name(n)) for n in numbers]
    return [("the latest", "" if here is None else "index.html"), *links]


def page_of(
    jobs: Sequence[Job],
    output: Path,
    arriving: Sequence[Arriving] = (),
    interrupted: Collection[int] = (),
    alive: Alive | None = None,
    tally: Mapping[tuple[str, str], int] | None = None,
    pages: Sequence[tuple[str, str]] = (),
    n_groups: int | None = None,
) -> str:
    """A page of a queue: what is coming, then the latest images first; what was not processed below.

    alive : whether it is kept up to date; tally : sweeps of each state and verdict, where `jobs` are not all
    n_groups : of sweeps, where `jobs` are not all; pages : words and addresses of all pages
    """
    latest = sorted(jobs, key=lambda job: (-job.completed_at, natural_key(job.name), job.name))
    visits = {job.visit for job in jobs if job.visit}
    common = Path(os.path.commonpath(visits)).name if visits else output.resolve().parent.name
    rows = [sweep_row(a.name, "arriving", {}, a.n_images, coming_facts(a)) for a in arriving]
    several = len(visits) > 1
    is_kept = alive is not None or not pages
    sweeps = [job for job in latest if job.state is not JobState.listed]
    rows += [_row(job, output, several, job.id in interrupted, is_kept) for job in sweeps]
    listed = [
        ListedRow(job.path, job.n_images, job.error or job.partial) for job in latest if job.state is JobState.listed
    ]
    n_groups = sum(job.kind == COMBINED for job in jobs) if n_groups is None else n_groups
    title = common or "autoproc"
    return visit_index(rows, listed, title, now_in_words(), REFRESH, alive, tally, pages, n_groups)


def _row(job: Job, output: Path, several: bool, is_interrupted: bool, is_kept: bool) -> SweepRow:
    if job.state is JobState.running and not is_kept:
        return sweep_row(job.name, "begun", {}, job.n_images, "the latest page says how far", job.visit * several)
    if is_interrupted:
        return sweep_row(job.name, INTERRUPTED, {}, job.n_images, TO_RESUME, job.visit if several else "")
    words = job.progress if job.state is JobState.running else job.error or job.result.get("error") or ""
    words = "; ".join(filter(None, (words, _next_try(job))))
    visit = job.visit if several else ""
    has_earlier = job.run > 0 and (output / job.name / "report.html").exists()
    partial, to_do = bool(job.partial), job.hint or job.result.get("hint") or ""
    return sweep_row(job.name, job.state, job.result, job.n_images, words, visit, partial, has_earlier, to_do)


def _next_try(job: Job) -> str:
    """When a sweep is tried again that was put back for later; the page may be old, so it is a time of day."""
    if job.state is not JobState.queued or job.not_before <= 0:
        return ""
    return f"tried again at {datetime.fromtimestamp(job.not_before):%H:%M:%S, %d %b}"


def coming_facts(arriving: Arriving) -> str:
    """What is known of a sweep that is coming."""
    return f"{counted(arriving.n_images, 'image')} so far; {arriving.words}"
