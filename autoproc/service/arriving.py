"""What the watcher sees coming, in words: for those who look at the queue while a detector still writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from autoproc.formats.templates import sweep_name
from autoproc.service.completeness import Progress, judge, what_is_missing
from autoproc.service.presence import MOST_ARRIVING, Arriving
from autoproc.service.register import Register, Watched
from autoproc.service.watch_params import WatchParams
from autoproc.service.watched_series import WatchedCbf, WatchedData, WatchedMaster

WHOLE = "none is missing so far"


def arriving(register: Register, params: WatchParams, in_hurry: bool, now: float) -> list[Arriving]:
    """The series that are waited for, in the order in which they were first seen; no more than anybody reads."""
    open_series = islice(register.open.values(), MOST_ARRIVING)
    return list(_each(list(open_series), register, params, in_hurry, now))


def _each(
    open_series: Iterable[Watched], register: Register, params: WatchParams, in_hurry: bool, now: float
) -> Iterator[Arriving]:
    for series in open_series:
        if isinstance(series, WatchedData):
            path = str(series.directory / f"{series.mark}_master.h5")
            yield Arriving(path, series.mark, len(series.names), "data files, no master file yet", series.due)
        elif isinstance(series, WatchedMaster):
            if series.progress is not None:
                progress = replace(series.progress, quiet=max(0.0, now - series.arrivals.news))
                name = sweep_name(series.path.name)
                yield _arriving(str(series.path), name, progress, params, in_hurry, now)
        elif isinstance(series, WatchedCbf) and series.names:
            progress = series.progress(now, register.is_followed(series))
            template = series.template()
            yield _arriving(str(series.directory / template), sweep_name(template), progress, params, in_hurry, now)


def _arriving(path: str, name: str, progress: Progress, params: WatchParams, in_hurry: bool, now: float) -> Arriving:
    verdict = judge(progress, params, in_hurry)
    words = what_is_missing(progress) or WHOLE
    return Arriving(path, name, progress.n_present + progress.n_unfinished, words, float(round(now + verdict.look_in)))
