"""What the watcher remembers of a series of images while it comes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autoproc.formats.templates import counter_of, grouped_by_template
from autoproc.service.probing.questions import FramesSeen, Pace
from autoproc.service.sweeps.series_verdict import gaps
from autoproc.service.watching.completeness import SeriesProgress
from autoproc.service.watching.directories import Disk

SMALL = 0.5
"""Part of the largest file's size below which an image may have been cut off."""


@dataclass(slots=True)
class Arrivals:
    """When images came, seconds since 1970.

    first, latest : image; n_since : images after the first ones; pause : the longest time without any
    news : latest image, or latest growth of one
    """

    first: float
    latest: float
    news: float
    n_since: int = 0
    pause: float = 0.0

    @classmethod
    def starting(cls, now: float, pause: float = 0.0) -> Arrivals:
        """The first images came just now, after a pause."""
        return cls(now, now, now, pause=pause)

    def more(self, n: int, now: float) -> None:
        """More images came just now."""
        self.n_since += n
        self.pause = max(self.pause, now - self.news)
        self.latest = self.news = max(self.latest, now)

    @property
    def interval(self) -> float:
        """Mean time between images, but for the longest pause, which is no measure of the detector's pace."""
        if self.n_since < 2:
            return self.latest - self.first
        return max(0.0, self.latest - self.first - self.pause) / (self.n_since - 1)


@dataclass(slots=True)
class WatchedCbf:
    """CBF files that differ by their counter only.

    names : number of every file that is there; unchecked : when files came whose size nobody has looked at yet
    sizes : of files that were whole when looked at, with their time of modification; unfinished : of the others,
    among them those cut_off before the end that their header announces
    touched : latest change of any file, as its file system says; due : when to look again
    marker : the image that tells the sweep from others at its place, since it was first told; "" for the first
    n_changes : times that files came or went; no_files : names that lead to no file, and to what by S_IFMT
    """

    directory: Path
    visit: str
    arrivals: Arrivals
    names: dict[str, int] = field(default_factory=dict)
    unchecked: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    unfinished: dict[str, tuple[int, int]] = field(default_factory=dict)
    touched: float = 0.0
    marker: str = ""
    due: float = 0.0
    is_open: bool = True
    n_expected: int | None = None
    exposure: float = 0.0
    knows_header: bool = False
    n_changes: int = 0
    no_files: dict[str, int] = field(default_factory=dict)

    def arrive(self, names: Iterable[str], now: float) -> None:
        """Files are there that were not, or not with this content."""
        self.n_changes += 1
        fresh = list(names)
        for name in fresh:
            counter = counter_of(name)
            self.names[name] = counter.number if counter else 1
            self.unchecked[name] = now
            self.sizes.pop(name, None)
            self.unfinished.pop(name, None)
            self.cut_off.discard(name)
            self.marker = "" if name == self.marker else self.marker
        self.is_open = True

    def leave(self, names: Iterable[str]) -> None:
        """Files are gone."""
        for name in names:
            self.n_changes += 1
            for memory in (self.names, self.unchecked, self.sizes, self.unfinished):
                memory.pop(name, None)
            self.marker = "" if name == self.marker else self.marker

    def trust(self) -> None:
        """Files that nobody has touched for long are whole; only the last one is looked at."""
        last = max(self.names, key=lambda name: self.names[name])
        self.unchecked = {last: self.unchecked[last]}

    def check(self, disk: Disk, now: float, stable_time: float) -> None:
        """Look at files that have been there for a while: one stat each, more only for those that still change."""
        ripe = [name for name, came in self.unchecked.items() if now - came >= stable_time]
        for name in [*ripe, *self.unfinished]:
            self._check(name, disk, now, stable_time)

    def _check(self, name: str, disk: Disk, now: float, stable_time: float) -> None:
        try:
            status = disk.stat(self.directory / name)
        except FileNotFoundError:
            self.leave([name])
            return
        except OSError:
            return
        self.unchecked.pop(name, None)
        if not stat.S_ISREG(status.st_mode):
            self.no_files[name] = stat.S_IFMT(status.st_mode)
            return
        self.touched = max(self.touched, status.st_ctime)
        seen = _looks(status, disk.may_read(self.directory / name, status))
        before = self.unfinished.pop(name, None)
        if before is not None and before != seen:
            self.arrivals.news = now
            self.cut_off.discard(name)
        is_stable = before == seen or now - status.st_mtime >= stable_time
        if seen[0] > 0 and is_stable and name not in self.cut_off:
            self.sizes[name] = seen
        else:
            self.unfinished[name] = seen

    def take_no_files(self, kinds: Mapping[int, str]) -> list[tuple[str, str]]:
        """Forget names that lead to no file, such as pipes; returns them with the kind of what they lead to.

        kinds : words by S_IFMT
        """
        odd = [(name, kinds.get(kind, "something else")) for name, kind in self.no_files.items()]
        self.leave(self.no_files)
        self.no_files.clear()
        return odd

    def header_to_read(self) -> Path | None:
        """An image whose header says how many there should be and how fast they come; None if it is known."""
        return None if self.knows_header or not self.sizes else self.directory / min(self.sizes)

    def learn(self, pace: Pace) -> None:
        """What a header said."""
        if pace.is_known:
            self.knows_header, self.n_expected, self.exposure = True, pace.n_expected, pace.exposure

    def doubtful(self) -> dict[str, int]:
        """Plain files that may be shorter than their own header says, with their sizes: the last and any small ones."""
        if not self.sizes or not self._is_plain():
            return {}
        largest, _ = max(self.sizes.values())
        last = max(self.sizes, key=lambda name: self.names[name])
        return {name: size for name, (size, _) in self.sizes.items() if name == last or size < SMALL * largest}

    def take_cut_off(self, names: Iterable[str]) -> None:
        """Files are not whole, unless they have changed since they were asked about."""
        for name in self.sizes.keys() & set(names):
            self.unfinished[name] = self.sizes.pop(name)
            self.cut_off.add(name)

    def _is_plain(self) -> bool:
        return not next(iter(self.names)).lower().endswith((".gz", ".bz2"))

    def has_changed(self, disk: Disk) -> bool:
        """One of the files that were not whole, or could not be looked at, is another now: one stat each."""
        return any(self._has_changed(name, disk) for name in [*self.unfinished, *self.unchecked])

    def _has_changed(self, name: str, disk: Disk) -> bool:
        path = self.directory / name
        try:
            status = disk.stat(path)
        except OSError:
            return False
        return self.unfinished.get(name) != _looks(status, disk.may_read(path, status))

    def template(self) -> str:
        """The name that the files have in common, with # for the counter."""
        return next(iter(grouped_by_template(self.names)))

    def progress(self, now: float, is_followed: bool) -> SeriesProgress:
        """What was seen until now."""
        n_open = len(self.unfinished) + len(self.unchecked)
        return SeriesProgress(
            n_present=len(self.names) - n_open,
            n_unfinished=n_open,
            missing=gaps(set(self.names.values())),
            n_expected=self.n_expected,
            quiet=max(0.0, now - self.arrivals.news),
            interval=max(self.arrivals.interval, self.exposure),
            pause=self.arrivals.pause,
            is_followed=is_followed,
        )

    def all(self) -> Mapping[int, Path]:
        """Files of all images, by number."""
        return dict(sorted((number, self.directory / name) for name, number in self.names.items()))

    def whole(self) -> Mapping[int, Path]:
        """Files of the images that are whole, by number."""
        bad = self.unfinished.keys() | self.unchecked.keys()
        return {number: path for number, path in self.all().items() if path.name not in bad}


def _looks(status: os.stat_result, may_be_read: bool) -> tuple[int, int]:
    """What makes two looks at a file differ; one that may not be read is as good as empty."""
    return (status.st_size if may_be_read else 0), status.st_mtime_ns


@dataclass(slots=True)
class WatchedMaster:
    """An HDF5 master file with what it leads to.

    seen : at the last look; progress : what was known then; n_changes : times that it was to be looked at anew
    """

    path: Path
    visit: str
    arrivals: Arrivals
    seen: FramesSeen | None = None
    progress: SeriesProgress | None = None
    due: float = 0.0
    is_open: bool = True
    n_changes: int = 0


@dataclass(slots=True)
class WatchedNames:
    """Files of a directory that are told of together once no more of them come. mark : what their names share."""

    directory: Path
    mark: str
    names: set[str] = field(default_factory=set)
    due: float = 0.0
    is_open: bool = True


class WatchedData(WatchedNames):
    """Data files of an HDF5 sweep whose master file has not come yet; the mark is the beginning of their names."""

    __slots__ = ()


class WatchedPhotographs(WatchedNames):
    """Pictures of the crystal or the beamline; the mark is their suffix."""

    __slots__ = ()
