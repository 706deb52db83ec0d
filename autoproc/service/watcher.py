"""Watching directories for sweeps that are complete."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from autoproc.formats.frames_present import FramesPresent, frames_present
from autoproc.formats.sweeps import CBF_NAME, DATA_NAME, MASTER_NAME, OTHER_HDF5_NAME
from autoproc.formats.templates import absolute, counter_of, sweep_name
from autoproc.importing.params import ImportParams
from autoproc.service.completeness import Progress, gaps, judge
from autoproc.service.directories import Change, Directories, Disk
from autoproc.service.file_system import has_events, mounts_now
from autoproc.service.found_sweep import FoundSweep, ListedImages
from autoproc.service.news import KernelNews, News, NoNews
from autoproc.service.recognise import recognise_cbf, recognise_master
from autoproc.service.watch_params import WatchParams
from autoproc.service.watched_series import Arrivals, WatchedCbf, WatchedMaster, WatchedPhotographs

Found = FoundSweep | ListedImages
Watched = WatchedCbf | WatchedMaster | WatchedPhotographs
PHOTOGRAPH_NAME = re.compile(r"\.(?:jpe?g|png)$", re.IGNORECASE)
PHOTOGRAPHS = "photographs, not diffraction images"
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
        self._cbf: dict[Path, dict[tuple[str, str], WatchedCbf]] = {}
        self._masters: dict[Path, dict[str, WatchedMaster]] = {}
        self._open: dict[int, Watched] = {}
        self._photographs: dict[tuple[Path, str], WatchedPhotographs] = {}
        self._stalled: dict[int, WatchedMaster] = {}
        self._began: dict[Path, float] = {}
        self._told: dict[str | Path, int] = {}
        self._walk: Iterator[Change] | None = None

    def close(self) -> None:
        """Stop to listen to events."""
        self._news.close()

    @property
    def n_waiting(self) -> int:
        """Series that are not complete yet; with once, all is found when none are left after a call of poll."""
        return len(self._open) + (self._walk is not None)

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
        due = min((series.due for series in self._open.values()), default=now + self.params.rescan_interval)
        return min(due, self._directories.next_look())

    def _look_around(self, now: float) -> None:
        """Look at directories, for so long; what is left over is looked at next time."""
        if self._walk is None:
            told = self._news.told()
            for path in told:
                self._take_rewritten(path, now)
            busy = {_place(series) for series in self._open.values()}
            self._walk = self._directories.changes(now, told, busy)
        for change in self._walk:
            self._take(change, now)
            if self._clock() - now > LONGEST_WORK:
                return
        self._walk = None

    # What came

    def _take(self, change: Change, now: float) -> None:
        self._remove(change)
        came = min(now, change.modified) if change.is_first else now
        groups: dict[tuple[str, str], list[str]] = {}
        hdf5 = []
        for name in change.arrived:
            if CBF_NAME.search(name):
                groups.setdefault(_series_of(name), []).append(name)
            elif OTHER_HDF5_NAME.search(name) or MASTER_NAME.search(name):
                hdf5.append(name)
            elif PHOTOGRAPH_NAME.search(name):
                self._take_photograph(change.directory, name, now)
        for key, names in groups.items():
            self._take_cbf(change, key, names, came, now)
        self._take_hdf5(change, hdf5, came, now)

    def _remove(self, change: Change) -> None:
        gone = set(change.gone)
        series_here = self._cbf.get(change.directory, {})
        for key, series in list(series_here.items()):
            series.leave(gone & series.names.keys())
            if not series.names:
                del series_here[key]
                self._open.pop(id(series), None)
        masters = self._masters.get(change.directory, {})
        for name in gone & masters.keys():
            self._stalled.pop(id(masters[name]), None)
            self._open.pop(id(masters.pop(name)), None)

    def _take_cbf(self, change: Change, key: tuple[str, str], names: list[str], came: float, now: float) -> None:
        here = self._cbf.setdefault(change.directory, {})
        series = here.get(key)
        if series is None:
            series = here[key] = WatchedCbf(change.directory, change.visit, Arrivals.starting(came))
        elif series.is_open:
            series.arrivals.more(len(names), came)
        else:
            pause = came - series.arrivals.news
            series.arrivals = Arrivals.starting(came, pause if pause < self.params.stall_time else 0.0)
        series.arrive(names, came)
        if change.is_first and now - came > self.params.stall_time:
            series.trust()
        series.due = min(series.due, now) if id(series) in self._open else came + self.params.stable_time
        self._open[id(series)] = series
        self._began[change.directory] = max(self._began.get(change.directory, 0.0), series.arrivals.first)

    def _take_rewritten(self, path: Path, now: float) -> None:
        """An event tells of a file; if its sweep was complete, it is written anew in place, which no listing shows."""
        series = self._cbf.get(path.parent, {}).get(_series_of(path.name))
        if series is not None and not series.is_open and path.name in series.names:
            series.arrivals = Arrivals.starting(now)
            series.arrive([path.name], now)
            series.due = now + self.params.stable_time
            self._open[id(series)] = series
        master = self._masters.get(path.parent, {}).get(path.name)
        if master is not None and not master.is_open:
            self._reopen(master, now, now)

    def _take_hdf5(self, change: Change, names: Sequence[str], came: float, now: float) -> None:
        here = self._masters.setdefault(change.directory, {})
        data_of = {DATA_NAME.sub("", name) for name in names if _is_data(name)}
        woken = [] if change.is_first or not data_of else [m for n, m in here.items() if sweep_name(n) in data_of]
        for name in (name for name in names if not _is_data(name)):
            if name not in here or not here[name].is_open:
                here[name] = WatchedMaster(change.directory / name, change.visit, Arrivals.starting(came))
            woken.append(here[name])
        for master in woken:
            self._reopen(master, came, now)

    def _reopen(self, master: WatchedMaster, came: float, now: float) -> None:
        if not master.is_open:
            master.arrivals, master.seen, master.is_open = Arrivals.starting(came), None, True
        master.due = now
        self._stalled.pop(id(master), None)
        self._open[id(master)] = master

    def _take_photograph(self, directory: Path, name: str, now: float) -> None:
        suffix = Path(name).suffix.lower()
        photographs = self._photographs.setdefault((directory, suffix), WatchedPhotographs(directory, suffix))
        photographs.names.add(name)
        photographs.due = now if self.once else now + self.params.settle_time
        self._open[id(photographs)] = photographs

    # What is complete

    def _judge_due(self, now: float) -> list[Found]:
        found: list[Found] = []
        self._look_for_late_frames(now)
        due = sorted((s for s in self._open.values() if s.due <= now), key=lambda s: (s.due, _is_second_choice(s)))
        for series in due:
            found += self._judge_safely(series, now)
            if found and self._clock() - now > LONGEST_WORK:
                break
        return found

    def _judge_safely(self, series: Watched, now: float) -> list[Found]:
        """At the edge to other people's files: one that trips the program up costs itself, not all that come after."""
        try:
            return list(self._judge(series, now))
        except Exception as error:
            self._close(series)
            path = series.path if isinstance(series, WatchedMaster) else series.directory
            return [ListedImages(path, 0, "unreadable", f"cannot be told ({type(error).__name__}: {error})")]

    def _judge(self, series: Watched, now: float) -> Iterable[Found]:
        if isinstance(series, WatchedCbf):
            return self._judge_cbf(series, now)
        return self._judge_master(series, now) if isinstance(series, WatchedMaster) else self._judge_photographs(series)

    def _judge_cbf(self, series: WatchedCbf, now: float) -> Iterable[Found]:
        params = self.params
        series.check(self._disk, now, params.stable_time)
        if not series.names:
            self._close(series)
            return []
        series.read_header()
        is_followed = self._began.get(series.directory, 0.0) > series.arrivals.news
        verdict = judge(series.progress(now, is_followed), params, self.once)
        if verdict.state == "complete":
            series.find_cut_off()
            verdict = judge(series.progress(now, is_followed), params, self.once)
        if verdict.state == "waiting":
            soon = params.stable_time if series.unchecked or series.unfinished else verdict.look_in
            series.due = now + min(max(soon, params.poll_interval), max(verdict.look_in, SOON))
            return []
        self._close(series)
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
        verdict = judge(_progress_of(there, master.arrivals, now), self.params, self.once)
        again = self._next_look_at(master, now)
        if verdict.state == "waiting":
            master.due = min(again, now + max(verdict.look_in, SOON))
            return []
        self._close(master)
        if verdict.state == "partial":
            self._stalled[id(master)] = master
            master.due = again
        if not there.n_present:
            return self._without_frames(master, there)
        arrived = min(now, master.arrivals.latest)
        return self._new(recognise_master(master.path, master.visit, there, verdict, arrived, self._import_params))

    def _next_look_at(self, master: WatchedMaster, now: float) -> float:
        quiet = max(0.0, now - master.arrivals.news)
        return now + max(SHARE_OF_QUIET * quiet, self.params.poll_interval)

    def _look_for_late_frames(self, now: float) -> None:
        """Frames may still be written into the files of a collection that was given up, which no directory shows."""
        for master in [master for master in self._stalled.values() if master.due <= now]:
            master.due = self._next_look_at(master, now)
            if _seen(frames_present(master.path)) != master.seen:
                self._reopen(master, now, now)

    def _without_frames(self, master: WatchedMaster, there: FramesPresent) -> Iterator[Found]:
        """A master whose images never came is told of; other HDF5 files without images are nobody's business."""
        if MASTER_NAME.search(master.path.name):
            yield from self._new([ListedImages(master.path, 0, "unreadable", there.obstacle)])

    def _judge_photographs(self, photographs: WatchedPhotographs) -> Iterable[Found]:
        self._close(photographs)
        path = photographs.directory / f"*{photographs.suffix}"
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

    def _close(self, series: Watched) -> None:
        series.is_open = False
        self._open.pop(id(series), None)


def _news_of(roots: Sequence[Path], params: WatchParams) -> News:
    mounts = mounts_now()
    with_events = [root for root in roots if has_events(root, params, mounts)]
    if not with_events:
        return NoNews()
    silent = [] if params.method == "native" else [m.point for m in mounts if m.kind not in params.local_file_systems]
    return KernelNews(with_events, silent)


def _is_second_choice(series: Watched) -> bool:
    """A .nxs beside a _master.h5 of the same frames is taken: it says more."""
    return isinstance(series, WatchedMaster) and series.path.suffix.lower() != ".nxs"


def _seen(there: FramesPresent) -> tuple[int, int, str]:
    """What makes two looks at a master differ."""
    return there.n_present, len(there.present), there.obstacle


def _series_of(name: str) -> tuple[str, str]:
    """What the files of a series have in common: their names before and after the counter."""
    counter = counter_of(name)
    return (name, "") if counter is None else (counter.before, counter.after)


def _is_data(name: str) -> bool:
    return DATA_NAME.search(name) is not None and MASTER_NAME.search(name) is None


def _place(series: Watched) -> Path:
    return series.path.parent if isinstance(series, WatchedMaster) else series.directory


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
