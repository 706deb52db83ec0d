"""Watching directories for sweeps that are complete."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autoproc.errors import AutoprocError, details_of
from autoproc.formats.confinement import LEADS_OUT
from autoproc.formats.templates import absolute
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.probing.fence import Prober
from autoproc.service.processes.time_share import Share
from autoproc.service.sweeps.found_sweep import ListedImages
from autoproc.service.watching.directories import Directories, DirectoryChange, Disk
from autoproc.service.watching.directory_events import DirectoryEvents, KernelEvents, NoEvents
from autoproc.service.watching.file_system import has_events, mounts_now
from autoproc.service.watching.judging import Found, Judgement, Judging
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.register import Register, Watched
from autoproc.service.watching.sweeps_coming import InQueue, arriving, coming
from autoproc.service.watching.watched_series import WatchedCbf, WatchedMaster

SOONEST = 0.1
"""Seconds to wait for an answer about files before directories are looked at again."""
FEW, MANY = 16, 128
"""Judgements under way below which more are begun, and how many: enough to keep a probing process busy."""
LONGEST_WORK = 1.0
"""Seconds of work after which what was found is handed over before more is looked at."""
LARGEST_SHARE = 0.05
"""Part of the time that going through all that is known may take, however much that is. Chosen, not measured."""


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that neither jump nor go back when the machine's clock is set."""
    offset = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset


class Watcher:
    """Finds sweeps below directories as they become complete, and images that are none.

    roots : directories, which may come later; once : nobody waits for collections that stalled
    probe : opens files, which the watcher itself never does
    in_queue : number of images of what the queue holds already, by template or master file
    known : number of images with which a fingerprint is known already (or just True); it is not reported again
    then, unless it has grown
    """

    def __init__(
        self,
        roots: Sequence[Path],
        params: WatchParams,
        probe: Prober,
        once: bool = False,
        known: Callable[[str], int] = lambda fingerprint: 0,
        *,
        disk: Disk | None = None,
        clock: Callable[[], float] | None = None,
        news: DirectoryEvents | None = None,
        in_queue: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.params = params
        self.once = once
        self._known, self._in_queue = known, InQueue(in_queue)
        self._probe = probe
        self._clock = clock or steady_clock()
        disk = disk or Disk()
        absolute_roots = list(dict.fromkeys(absolute(root) for root in roots))
        self._news = news or _news_of(absolute_roots, params)
        self._directories = Directories(absolute_roots, params, disk, self._news.covers)
        self._register = Register(params, once)
        self._judging = Judging(self._register, params, disk, once)
        self._under_way: dict[int, tuple[Watched, Judgement]] = {}
        self._judged: list[Found] = []
        self._told: dict[str | Path, int] = {}
        self._walk: Iterator[DirectoryChange] | None = None
        self._beginning_walks = Share(LARGEST_SHARE, clock=self._clock)
        self._backlog: deque[Watched] = deque()
        self._listing_due = Share(LARGEST_SHARE, clock=self._clock)

    def close(self) -> None:
        """Stop to listen to events, and to look at files."""
        self._news.close()
        self._probe.close()

    @property
    def n_waiting(self) -> int:
        """Series that are not complete yet; with once, all is found when none are left after a call of poll."""
        return len(self._register.open) + (self._walk is not None)

    def arriving(self) -> list[Arriving]:
        """What is waited for now."""
        return arriving(self._register, self._in_queue, self.params, self.once, self._clock())

    def n_arriving(self) -> int:
        """How many series those are, with those that are not shown."""
        return sum(1 for _ in coming(self._register, self._in_queue))

    def poll(self, timeout: float) -> list[Found]:
        """What became complete; waits for it, but at most this long, seconds."""
        deadline = self._clock() + timeout
        while True:
            now = self._clock()
            self._look_around(now)
            found = self._judge_due(now)
            now = self._clock()
            if found or now >= deadline or (self.once and not self.n_waiting):
                return found
            if self._walk is None and not self._under_way:
                due = max(self._next_due(now) - now, self._beginning_walks.wait, self._listing_due.wait)
                self._news.wait(max(0.0, min(deadline - now, due)))

    def _next_due(self, now: float) -> float:
        due = min((series.due for series in self._register.open.values()), default=now + self.params.rescan_interval)
        return min(due, self._directories.next_look())

    def _look_around(self, now: float) -> None:
        """Look at directories, for so long; what is left over is looked at next time."""
        if self._walk is None:
            if not self._beginning_walks.is_due:
                return
            with self._beginning_walks.taken():
                self._walk = self._directories.changes(now, self._told_of(now), self._register.busy())
        for change in self._walk:
            self._register.take(change, now)
            out = [ListedImages(change.directory / name, 0, "unreadable", LEADS_OUT) for name in change.leading_out]
            self._judged += self._new(out)
            if self._clock() - now > LONGEST_WORK:
                return
        self._walk = None

    def _told_of(self, now: float) -> Collection[Path]:
        told = self._news.told()
        for path in told:
            if os.path.lexists(path):  # an event tells as well of what is moved away
                self._register.take_rewritten(path, now)
        return told

    def _judge_due(self, now: float) -> list[Found]:
        """Judge what is due, as far as answers about files come soon; what is found is handed over after a while."""
        found: list[Found] = []
        self._begin_judgements(now)
        while self._under_way:
            answers = self._probe.answers(SOONEST)
            for number, answer in answers:
                found += self._go_on(number, answer)
            if not answers or self._clock() - now > LONGEST_WORK:
                break
            if len(self._under_way) < FEW:
                self._begin_judgements(now)
        found += self._judged
        self._judged = []
        return found

    def _begin_judgements(self, now: float) -> None:
        """Begin to judge series that are due, not too many at a time."""
        asked = {id(series) for series, _ in self._under_way.values()}
        if not self._backlog and self._listing_due.is_due:
            with self._listing_due.taken():
                self._backlog.extend(self._register.due(now))
        while self._backlog and len(self._under_way) < MANY:
            series = self._backlog.popleft()
            if series.due > now or id(series) in asked or not self._register.knows(series):
                continue
            self._judged += self._advance(series, self._judging.of(series, now), None)

    def _go_on(self, number: int, answer: Any) -> list[Found]:
        """Go on with a judgement whose question is answered, unless its files are gone meanwhile."""
        series, judgement = self._under_way.pop(number)
        if not self._register.knows(series):
            judgement.close()
            return []
        return self._advance(series, judgement, answer)

    def _advance(self, series: Watched, judgement: Judgement, answer: Any) -> list[Found]:
        """At the edge to other people's files: one that trips the program up costs itself, not all that come after."""
        try:
            question = judgement.throw(answer) if isinstance(answer, AutoprocError) else judgement.send(answer)
            self._under_way[self._probe.ask(question)] = series, judgement
        except StopIteration as end:
            return list(self._new(end.value))
        except AutoprocError as error:
            return self._given_up(series, error.message, error.facts.get("details", ""))
        except Exception as error:
            return self._given_up(series, f"cannot be told ({type(error).__name__}: {error})", details_of(error))
        return []

    def _given_up(self, series: Watched, reason: str, details: str) -> list[Found]:
        self._register.close(series)
        self._register.stalled.pop(id(series), None)
        path, n_images = _shown_as(series)
        return [ListedImages(path, n_images, "unreadable", reason, details)]

    def _new(self, found: Iterable[Found]) -> Iterator[Found]:
        """What was not told before, or not with so many images."""
        for item in found:
            key = item.path if isinstance(item, ListedImages) else item.fingerprint
            if item.n_images > self._told.get(key, -1) and not self._is_known(item):
                self._told[key] = item.n_images
                yield item

    def _is_known(self, item: Found) -> bool:
        known = 0 if isinstance(item, ListedImages) else self._known(item.fingerprint)
        return known is True or known >= max(item.n_images, 1)


def _news_of(roots: Sequence[Path], params: WatchParams) -> DirectoryEvents:
    mounts = mounts_now()
    with_events = [root for root in roots if has_events(root, params, mounts)]
    if not with_events:
        return NoEvents()
    silent = [] if params.method == "native" else [m.point for m in mounts if m.kind not in params.local_file_systems]
    return KernelEvents(with_events, silent)


def _shown_as(series: Watched) -> tuple[Path, int]:
    """Path and number of images of a series that is listed as a whole."""
    if isinstance(series, WatchedMaster):
        return series.path, 0
    if isinstance(series, WatchedCbf) and series.names:
        return series.directory / series.template(), len(series.names)
    return series.directory, 0
