"""Watching directories for sweeps that are complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from autoproc.formats.frames_present import FramesPresent, frames_present
from autoproc.formats.sweeps import MASTER_NAME
from autoproc.formats.templates import absolute
from autoproc.importing.params import ImportParams
from autoproc.service.arriving import arriving
from autoproc.service.completeness import Progress, gaps, judge
from autoproc.service.directories import Change, Directories, Disk
from autoproc.service.file_system import has_events, mounts_now
from autoproc.service.found_sweep import FoundSweep, ListedImages
from autoproc.service.news import KernelNews, News, NoNews
from autoproc.service.presence import Arriving
from autoproc.service.recognise import recognise_cbf, recognise_master
from autoproc.service.register import Register, Watched
from autoproc.service.watch_params import WatchParams
from autoproc.service.watched_series import Arrivals, WatchedCbf, WatchedData, WatchedMaster, WatchedPhotographs
from autoproc.wording import counted

Found = FoundSweep | ListedImages
PHOTOGRAPHS = "photographs, not diffraction images"
NO_MASTER = "{files}, but no master file that describes the experiment"
SHARE_OF_QUIET = 0.05
"""Time between looks at an unfinished HDF5 sweep, as a part of the time that nothing came."""
SOON = 0.01
LONGEST_WORK = 1.0
"""Seconds of work after which what was found is handed over before more is looked at."""


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that neither jump nor go back when the machine's clock is set."""
    offset = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset


class Watcher:
    """Finds sweeps below directories as they become complete, and images that are none.

    roots : directories, which may come later; once : nobody waits for collections that stalled
    known : number of images with which a fingerprint is known already (or just True); it is not reported again
    then, unless it has grown
    """

    def __init__(
        self,
        roots: Sequence[Path],
        params: WatchParams,
        once: bool = False,
        known: Callable[[str], int] = lambda fingerprint: 0,
        *,
        import_params: ImportParams | None = None,
        disk: Disk | None = None,
        clock: Callable[[], float] | None = None,
        news: News | None = None,
    ) -> None:
        self.params = params
        self.once = once
        self._known = known
        self._import_params = import_params or ImportParams()
        self._disk = disk or Disk()
        self._clock = clock or steady_clock()
        absolute_roots = list(dict.fromkeys(absolute(root) for root in roots))
        self._news = news or _news_of(absolute_roots, params)
        self._directories = Directories(absolute_roots, params, self._disk, self._news.covers)
        self._register = Register(params, once)
        self._told: dict[str | Path, int] = {}
        self._walk: Iterator[Change] | None = None

    def close(self) -> None:
        """Stop to listen to events."""
        self._news.close()

    @property
    def n_waiting(self) -> int:
        """Series that are not complete yet; with once, all is found when none are left after a call of poll."""
        return len(self._register.open) + (self._walk is not None)

    def arriving(self) -> list[Arriving]:
        """What is waited for now."""
        return arriving(self._register, self.params, self.once, self._clock())

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
            if self._walk is None:
                self._news.wait(max(0.0, min(deadline, self._next_due(now)) - now))

    def _next_due(self, now: float) -> float:
        due = min((series.due for series in self._register.open.values()), default=now + self.params.rescan_interval)
        return min(due, self._directories.next_look())

    def _look_around(self, now: float) -> None:
        """Look at directories, for so long; what is left over is looked at next time."""
        if self._walk is None:
            told = self._news.told()
            for path in told:
                self._register.take_rewritten(path, now)
            self._walk = self._directories.changes(now, told, self._register.busy())
        for change in self._walk:
            self._register.take(change, now)
            if self._clock() - now > LONGEST_WORK:
                return
        self._walk = None

    def _judge_due(self, now: float) -> list[Found]:
        found: list[Found] = []
        self._look_for_late_frames(now)
        for series in self._register.due(now):
            found += self._judge_safely(series, now)
            if found and self._clock() - now > LONGEST_WORK:
                break
        return found

    def _judge_safely(self, series: Watched, now: float) -> list[Found]:
        """At the edge to other people's files: one that trips the program up costs itself, not all that come after."""
        try:
            return list(self._judge(series, now))
        except Exception as error:
            self._register.close(series)
            path = series.path if isinstance(series, WatchedMaster) else series.directory
            return [ListedImages(path, 0, "unreadable", f"cannot be told ({type(error).__name__}: {error})")]

    def _judge(self, series: Watched, now: float) -> Iterable[Found]:
        if isinstance(series, WatchedCbf):
            return self._judge_cbf(series, now)
        if isinstance(series, WatchedData):
            return self._judge_data(series)
        return self._judge_master(series, now) if isinstance(series, WatchedMaster) else self._judge_photographs(series)

    def _judge_cbf(self, series: WatchedCbf, now: float) -> Iterable[Found]:
        params = self.params
        series.check(self._disk, now, params.stable_time)
        if not series.names:
            self._register.close(series)
            return []
        series.read_header()
        is_followed = self._register.is_followed(series)
        verdict = judge(series.progress(now, is_followed), params, self.once)
        if verdict.state == "complete":
            series.find_cut_off()
            verdict = judge(series.progress(now, is_followed), params, self.once)
        if verdict.state == "waiting":
            soon = params.stable_time if series.unchecked or series.unfinished else verdict.look_in
            series.due = now + min(max(soon, params.poll_interval), max(verdict.look_in, SOON))
            return []
        self._register.close(series)
        if series.unfinished or series.unchecked:
            self._register.stalled[id(series)] = series
            series.due = self._next_look_at(series, now)
        files = series.whole()
        if not files:
            return []
        arrived = min(now, series.touched or now)
        series.marker = series.marker or files[min(files)].name
        marker = series.directory / series.marker
        return self._new(
            recognise_cbf(series.directory, series.visit, files, marker, verdict, arrived, self._import_params)
        )

    def _judge_master(self, master: WatchedMaster, now: float) -> Iterable[Found]:
        there = frames_present(master.path)
        n_before = 0 if master.seen is None else master.seen[0]
        if master.seen is not None and _seen(there) != master.seen:
            master.arrivals.more(max(1, there.n_present - n_before), now)
        master.seen = _seen(there)
        master.progress = _progress_of(there, master.arrivals, now)
        verdict = judge(master.progress, self.params, self.once)
        again = self._next_look_at(master, now)
        if verdict.state == "waiting":
            master.due = min(again, now + max(verdict.look_in, SOON))
            return []
        self._register.close(master)
        if verdict.state == "partial":
            self._register.stalled[id(master)] = master
            master.due = again
        if not there.n_present:
            return self._without_frames(master, there)
        arrived = min(now, master.arrivals.latest)
        return self._new(recognise_master(master.path, master.visit, there, verdict, arrived, self._import_params))

    def _next_look_at(self, series: WatchedMaster | WatchedCbf, now: float) -> float:
        quiet = max(0.0, now - series.arrivals.news)
        return now + max(SHARE_OF_QUIET * quiet, self.params.poll_interval)

    def _look_for_late_frames(self, now: float) -> None:
        """Files of a collection that was given up may still be written, or made readable: no directory shows it."""
        for series in [series for series in self._register.stalled.values() if series.due <= now]:
            series.due = self._next_look_at(series, now)
            if isinstance(series, WatchedCbf):
                if series.has_changed(self._disk):
                    self._register.reopen_cbf(series, now)
            elif _seen(frames_present(series.path)) != series.seen:
                self._register.reopen(series, now, now)

    def _without_frames(self, master: WatchedMaster, there: FramesPresent) -> Iterator[Found]:
        """A master whose images never came is told of; other HDF5 files without images are nobody's business."""
        if MASTER_NAME.search(master.path.name):
            yield from self._new([ListedImages(master.path, 0, "unreadable", there.obstacle)])

    def _judge_data(self, data: WatchedData) -> Iterable[Found]:
        """No master file has come. Where there is one of another name, it may well lead to these."""
        self._register.close(data)
        if self._register.has_master(data.directory):
            return []
        path = data.directory / sorted(data.names)[0]
        return self._new(
            [ListedImages(path, 0, "unreadable", NO_MASTER.format(files=counted(len(data.names), "data file")))]
        )

    def _judge_photographs(self, photographs: WatchedPhotographs) -> Iterable[Found]:
        self._register.close(photographs)
        path = photographs.directory / f"*{photographs.mark}"
        return self._new([ListedImages(path, len(photographs.names), "snapshot", PHOTOGRAPHS)])

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


def _news_of(roots: Sequence[Path], params: WatchParams) -> News:
    mounts = mounts_now()
    with_events = [root for root in roots if has_events(root, params, mounts)]
    if not with_events:
        return NoNews()
    silent = [] if params.method == "native" else [m.point for m in mounts if m.kind not in params.local_file_systems]
    return KernelNews(with_events, silent)


def _seen(there: FramesPresent) -> tuple[int, int, str]:
    """What makes two looks at a master differ."""
    return there.n_present, len(there.present), there.obstacle


def _progress_of(there: FramesPresent, arrivals: Arrivals, now: float) -> Progress:
    numbers = there.present.nonzero()[0].tolist()
    return Progress(
        n_present=len(numbers),
        missing=gaps(numbers),
        n_expected=there.n_expected if there.is_sure else None,
        quiet=max(0.0, now - arrivals.news),
        interval=arrivals.interval,
        pause=arrivals.pause,
        obstacle=there.obstacle,
    )
