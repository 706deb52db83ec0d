"""The series of images that were seen, from which the watcher knows what it waits for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from autoproc.formats.sweeps import DATA_NAME, IMAGE_NAME, MASTER_NAME, OTHER_HDF5_NAME
from autoproc.formats.templates import counter_of, sweep_name
from autoproc.service.watching.directories import DirectoryChange
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.watched_series import (
    Arrivals,
    WatchedCbf,
    WatchedData,
    WatchedMaster,
    WatchedPhotographs,
)

Watched = WatchedCbf | WatchedMaster | WatchedData | WatchedPhotographs
PHOTOGRAPH_NAME = re.compile(r"\.(?:jpe?g|png)$", re.IGNORECASE)


class Register:
    """All series of images below the watched directories.

    open : those that are waited for, by id; stalled : those that were given up, but may go on without their directory
    showing it
    """

    def __init__(self, params: WatchParams, once: bool) -> None:
        self.open: dict[int, Watched] = {}
        self.stalled: dict[int, WatchedMaster | WatchedCbf] = {}
        self._params = params
        self._once = once
        self._cbf: dict[Path, dict[tuple[str, str], WatchedCbf]] = {}
        self._masters: dict[Path, dict[str, WatchedMaster]] = {}
        self._data: dict[tuple[Path, str], WatchedData] = {}
        self._photographs: dict[tuple[Path, str], WatchedPhotographs] = {}
        self._began: dict[Path, float] = {}

    def busy(self) -> set[Path]:
        """Directories with series that are waited for."""
        return {_place(series) for series in self.open.values()}

    def due(self, now: float) -> list[Watched]:
        """Series to look at now: those that were given up, then those that are waited for, the longest due first."""
        late = [series for series in self.stalled.values() if series.due <= now]
        due = (series for series in self.open.values() if series.due <= now)
        return [*late, *sorted(due, key=lambda series: (series.due, _is_second_choice(series)))]

    def is_followed(self, series: WatchedCbf) -> bool:
        """A later series has begun in the same directory since the last news of this one."""
        return self._began.get(series.directory, 0.0) > series.arrivals.news

    def knows(self, series: Watched) -> bool:
        """It is waited for, or may go on."""
        return id(series) in self.open or id(series) in self.stalled

    def close(self, series: Watched) -> None:
        """Wait for a series no longer."""
        series.is_open = False
        self.open.pop(id(series), None)

    def take(self, change: DirectoryChange, now: float) -> None:
        """Files came to a directory, or went from it."""
        self._remove(change)
        came = min(now, change.modified) if change.is_first else now
        groups: dict[tuple[str, str], list[str]] = {}
        hdf5 = []
        for name in change.arrived:
            if IMAGE_NAME.search(name):
                groups.setdefault(_series_of(name), []).append(name)
            elif OTHER_HDF5_NAME.search(name) or MASTER_NAME.search(name):
                hdf5.append(name)
            elif PHOTOGRAPH_NAME.search(name):
                self._take_photograph(change.directory, name, now)
        for key, names in groups.items():
            self._take_cbf(change, key, names, came, now)
        self._take_hdf5(change, hdf5, came, now)

    def _remove(self, change: DirectoryChange) -> None:
        gone = set(change.gone)
        series_here = self._cbf.get(change.directory, {})
        for key, series in list(series_here.items()):
            series.leave(gone & series.names.keys())
            if not series.names:
                del series_here[key]
                self.open.pop(id(series), None)
                self.stalled.pop(id(series), None)
        masters = self._masters.get(change.directory, {})
        for name in gone & masters.keys():
            self.stalled.pop(id(masters[name]), None)
            self.open.pop(id(masters.pop(name)), None)
        for name in filter(_is_data, gone):
            self._forget_data(change.directory, DATA_NAME.sub("", name), {name})

    def _take_cbf(
        self, change: DirectoryChange, key: tuple[str, str], names: list[str], came: float, now: float
    ) -> None:
        here = self._cbf.setdefault(change.directory, {})
        series = here.get(key)
        if series is None:
            series = here[key] = WatchedCbf(change.directory, change.visit, Arrivals.starting(came))
        elif series.is_open:
            series.arrivals.more(len(names), came)
        else:
            pause = came - series.arrivals.news
            series.arrivals = Arrivals.starting(came, pause if pause < self._params.stall_time else 0.0)
        series.arrive(names, came)
        if change.is_first and now - came > self._params.stall_time:
            series.trust()
        series.due = min(series.due, now) if id(series) in self.open else came + self._params.stable_time
        self.open[id(series)] = series
        self.stalled.pop(id(series), None)
        self._began[change.directory] = max(self._began.get(change.directory, 0.0), series.arrivals.first)

    def take_rewritten(self, path: Path, now: float) -> None:
        """An event tells of a file; if its sweep was complete, it is written anew in place, which no listing shows."""
        series = self._cbf.get(path.parent, {}).get(_series_of(path.name))
        if series is not None and not series.is_open and path.name in series.names:
            series.arrivals = Arrivals.starting(now)
            series.arrive([path.name], now)
            series.due = now + self._params.stable_time
            self.open[id(series)] = series
        master = self._masters.get(path.parent, {}).get(path.name)
        if master is not None and not master.is_open:
            self.reopen(master, now, now)

    def _take_hdf5(self, change: DirectoryChange, names: Sequence[str], came: float, now: float) -> None:
        here = self._masters.setdefault(change.directory, {})
        data_of = {DATA_NAME.sub("", name) for name in names if _is_data(name)}
        woken = [] if change.is_first or not data_of else [m for n, m in here.items() if sweep_name(n) in data_of]
        for name in (name for name in names if not _is_data(name)):
            if name not in here or not here[name].is_open:
                self.stalled.pop(id(here.get(name)), None)
                here[name] = WatchedMaster(change.directory / name, change.visit, Arrivals.starting(came))
            woken.append(here[name])
        for master in woken:
            self.reopen(master, came, now)
        self._take_data(change.directory, [name for name in names if _is_data(name)], came, now)

    def has_master(self, directory: Path) -> bool:
        """An HDF5 file that is no data file lies there."""
        return bool(self._masters.get(directory))

    def _take_data(self, directory: Path, names: Sequence[str], came: float, now: float) -> None:
        """Data files that have no master beside them are waited for with it."""
        for place, stem in [key for key in self._data if key[0] == directory]:
            if self._is_led(place, stem):
                self._forget_data(place, stem)
        for name in names:
            stem = DATA_NAME.sub("", name)
            if not self._is_led(directory, stem):
                data = self._data.setdefault((directory, stem), WatchedData(directory, stem))
                data.names.add(name)
                data.due, data.is_open = (now if self._once else came + self._params.stall_time), True
                self.open[id(data)] = data

    def _is_led(self, directory: Path, stem: str) -> bool:
        return any(name.startswith(stem) for name in self._masters.get(directory, {}))

    def _forget_data(self, directory: Path, stem: str, names: set[str] | None = None) -> None:
        """Some of these data files are gone; or (None) their master has come."""
        data = self._data.get((directory, stem))
        if data is None:
            return
        data.names -= data.names if names is None else names
        if not data.names:
            self.open.pop(id(self._data.pop((directory, stem))), None)

    def reopen(self, master: WatchedMaster, came: float, now: float) -> None:
        """Look at a master again, and wait for it if need be."""
        if not master.is_open:
            master.arrivals, master.seen, master.is_open = Arrivals.starting(came), None, True
        master.due = now
        master.n_changes += 1
        self.stalled.pop(id(master), None)
        self.open[id(master)] = master

    def reopen_cbf(self, series: WatchedCbf, now: float) -> None:
        """Wait for a series once more: files that were not whole are others now."""
        series.arrivals, series.is_open, series.due = Arrivals.starting(now), True, now
        self.stalled.pop(id(series), None)
        self.open[id(series)] = series

    def _take_photograph(self, directory: Path, name: str, now: float) -> None:
        suffix = Path(name).suffix.lower()
        photographs = self._photographs.setdefault((directory, suffix), WatchedPhotographs(directory, suffix))
        photographs.names.add(name)
        photographs.due = now if self._once else now + self._params.settle_time
        self.open[id(photographs)] = photographs


def _place(series: Watched) -> Path:
    return series.path.parent if isinstance(series, WatchedMaster) else series.directory


def _series_of(name: str) -> tuple[str, str]:
    """What the files of a series have in common: their names before and after the counter."""
    counter = counter_of(name)
    return (name, "") if counter is None else (counter.before, counter.after)


def _is_data(name: str) -> bool:
    return DATA_NAME.search(name) is not None and MASTER_NAME.search(name) is None


def _is_second_choice(series: Watched) -> bool:
    """A .nxs beside a _master.h5 of the same frames is taken: it says more."""
    return isinstance(series, WatchedMaster) and series.path.suffix.lower() != ".nxs"
