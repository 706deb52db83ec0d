"""What becomes of a series of images that is due: it is waited for, told as sweeps, or listed.

A judgement yields questions about files, and goes on when they are answered: meanwhile other series are judged.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoproc.formats.no_files import KINDS, NO_FILE, no_file
from autoproc.formats.sweeps import MASTER_NAME
from autoproc.service.probing.questions import (
    CutOff,
    FramesOf,
    FramesSeen,
    PaceOf,
    Question,
    SweepsOfCbf,
    SweepsOfMaster,
)
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.service.watching.completeness import SeriesProgress, judge
from autoproc.service.watching.directories import Disk
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.register import Register, Watched
from autoproc.service.watching.watched_series import (
    Arrivals,
    WatchedCbf,
    WatchedData,
    WatchedMaster,
    WatchedPhotographs,
)
from autoproc.wording import counted

Found = FoundSweep | ListedImages
Judgement = Generator[Question, Any, Iterable[Found]]

PHOTOGRAPHS = "photographs, not diffraction images"
NO_MASTER = "{files}, but no master file that describes the experiment"
SHARE_OF_QUIET = 0.05
"""Time between looks at an unfinished HDF5 sweep, as a part of the time that nothing came."""
SOON = 0.01


class Judging:
    """Judgements of series in a register."""

    def __init__(self, register: Register, params: WatchParams, disk: Disk, once: bool) -> None:
        self._register, self._params, self._disk, self._once = register, params, disk, once

    def of(self, series: Watched, now: float) -> Judgement:
        """The judgement of a series that is due."""
        if not series.is_open and isinstance(series, WatchedCbf | WatchedMaster):
            return self._of_stalled(series, now)
        if isinstance(series, WatchedCbf):
            return self._of_cbf(series, now)
        if isinstance(series, WatchedMaster):
            return self._of_master(series, now)
        return self._of_data(series) if isinstance(series, WatchedData) else self._of_photographs(series)

    def _of_stalled(self, series: WatchedMaster | WatchedCbf, now: float) -> Judgement:
        """Whether a collection that was given up goes on: files may still be written, or made readable."""
        series.due = self._next_look_at(series, now)
        if isinstance(series, WatchedCbf):
            if series.has_changed(self._disk):
                self._register.reopen_cbf(series, now)
        elif self._no_file(series.path) or (yield FramesOf(series.path)) != series.seen:
            self._register.reopen(series, now, now)
        return []

    def _of_cbf(self, series: WatchedCbf, now: float) -> Judgement:
        params = self._params
        series.check(self._disk, now, params.stable_time)
        no_files = [ListedImages(series.directory / name, 0, "unreadable", NO_FILE.format(kind=kind))
                    for name, kind in series.take_no_files(KINDS)]  # fmt: skip
        if not series.names:
            self._register.close(series)
            return no_files
        header = series.header_to_read()
        if header is not None:
            series.learn((yield PaceOf(header)))
        is_followed = self._register.is_followed(series)
        verdict = judge(series.progress(now, is_followed), params, self._once)
        if verdict.state == "complete":
            doubtful = series.doubtful()
            if doubtful:
                series.take_cut_off((yield CutOff(series.directory, doubtful)))
            verdict = judge(series.progress(now, is_followed), params, self._once)
        if verdict.state == "waiting":
            soon = params.stable_time if series.unchecked or series.unfinished else verdict.look_in
            series.due = now + min(max(soon, params.poll_interval), max(verdict.look_in, SOON))
            return no_files
        n_changes = series.n_changes
        files = series.whole() if verdict.state == "partial" else series.all()
        found: Iterable[Found] = ()
        if files:
            series.marker = series.marker or files[min(files)].name
            found = yield _sweeps_of_cbf(series, files, verdict, min(now, series.touched or now))
            found = [_counted(one, series.whole().keys()) for one in found]
            if not found and not self._once:  # they went away meanwhile
                series.due = self._next_look_at(series, now)
                return no_files
        if series.n_changes != n_changes:  # more has come meanwhile
            return no_files
        self._register.close(series)
        if series.unfinished or series.unchecked:
            self._register.stalled[id(series)] = series
            series.due = self._next_look_at(series, now)
        return [*no_files, *found]

    def _of_master(self, master: WatchedMaster, now: float) -> Judgement:
        kind = self._no_file(master.path)
        if kind:
            self._register.close(master)
            return [ListedImages(master.path, 0, "unreadable", NO_FILE.format(kind=kind))]
        there: FramesSeen = yield FramesOf(master.path)
        n_before = 0 if master.seen is None else master.seen.n_present
        if master.seen is not None and there != master.seen:
            master.arrivals.more(max(1, there.n_present - n_before), now)
        master.seen = there
        master.progress = _progress_of(there, master.arrivals, now)
        verdict = judge(master.progress, self._params, self._once)
        again = self._next_look_at(master, now)
        if verdict.state == "waiting":
            master.due = min(again, now + max(verdict.look_in, SOON))
            return []
        n_changes = master.n_changes
        if there.n_present:
            arrived = min(now, master.arrivals.latest)
            found = list((yield SweepsOfMaster(master.path, master.visit, verdict, arrived)))
            if not found and not self._once:  # it went away meanwhile
                master.due = again
                return []
        else:
            found = _without_frames(master, there)
        if master.n_changes != n_changes:
            return []
        self._register.close(master)
        if verdict.state == "partial":
            self._register.stalled[id(master)] = master
            master.due = again
        return found

    def _of_data(self, data: WatchedData) -> Judgement:
        """No master file has come. Where there is one of another name, it may well lead to these."""
        yield from ()
        self._register.close(data)
        if self._register.has_master(data.directory):
            return []
        path = data.directory / sorted(data.names)[0]
        return [ListedImages(path, 0, "unreadable", NO_MASTER.format(files=counted(len(data.names), "data file")))]

    def _of_photographs(self, photographs: WatchedPhotographs) -> Judgement:
        yield from ()
        self._register.close(photographs)
        path = photographs.directory / f"*{photographs.mark}"
        return [ListedImages(path, len(photographs.names), "snapshot", PHOTOGRAPHS)]

    def _no_file(self, path: Path) -> str:
        """What a name leads to that is no file; "" for files, and what cannot be told."""
        return no_file(path, self._disk.stat)

    def _next_look_at(self, series: WatchedMaster | WatchedCbf, now: float) -> float:
        quiet = max(0.0, now - series.arrivals.news)
        return now + max(SHARE_OF_QUIET * quiet, self._params.poll_interval)


def _sweeps_of_cbf(
    series: WatchedCbf, files: Mapping[int, Path], verdict: SeriesVerdict, arrived: float
) -> SweepsOfCbf:
    names = {number: path.name for number, path in files.items()}
    return SweepsOfCbf(series.directory, series.visit, names, series.marker, verdict, arrived)


def _counted(found: Found, whole: Set[int]) -> Found:
    """A sweep has no more images than are whole: once there are more of them, it is processed again."""
    if isinstance(found, ListedImages):
        return found
    first, last = found.image_range or (min(whole), max(whole))
    return replace(found, n_images=min(found.n_images, sum(first <= number <= last for number in whole)))


def _without_frames(master: WatchedMaster, there: FramesSeen) -> list[Found]:
    """A master whose images never came is told of; other HDF5 files without images are nobody's business."""
    if not MASTER_NAME.search(master.path.name):
        return []
    return [ListedImages(master.path, 0, "unreadable", there.obstacle)]


def _progress_of(there: FramesSeen, arrivals: Arrivals, now: float) -> SeriesProgress:
    return SeriesProgress(
        n_present=there.n_present,
        missing=there.missing,
        n_expected=there.n_expected if there.is_sure else None,
        quiet=max(0.0, now - arrivals.news),
        interval=arrivals.interval,
        pause=arrivals.pause,
        obstacle=there.obstacle,
    )
