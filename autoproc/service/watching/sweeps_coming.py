"""What the watcher sees coming, in words: for those who look at the queue while a detector still writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from autoproc.formats.templates import counter_of, split_template, sweep_name
from autoproc.service.job_queue.programs_at_work import MOST_ARRIVING, Arriving
from autoproc.service.watching.completeness import SeriesProgress, judge, what_is_missing
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.register import Register, Watched
from autoproc.service.watching.watched_series import WatchedCbf, WatchedData, WatchedMaster

WHOLE = "none is missing so far"


Place = tuple[str, str, str]
"""Directory, and the names before and after the counter; or ("", path, "") of a master file."""


class InQueue:
    """The images that the queue had when the program began: what is as it was then is known, and not coming.

    paths : templates and master files, with the most images of a sweep of theirs
    """

    def __init__(self, paths: Mapping[str, int]) -> None:
        self._known = {_place_of(path): n_images for path, n_images in paths.items()}

    def has(self, series: Watched) -> bool:
        """Nothing has come to a series since, and there are no more of its images."""
        if not self._known or not isinstance(series, WatchedCbf | WatchedMaster) or series.n_changes > 1:
            return False
        if isinstance(series, WatchedMaster):
            n_known = self._known.get(("", str(series.path), ""), -1)
            return series.progress is not None and series.progress.n_present <= n_known
        name = next(iter(series.names), "")
        counter = counter_of(name)
        before, after = (name, "") if counter is None else (counter.before, counter.after)
        return len(series.names) <= self._known.get((str(series.directory), before, after), -1)


def _place_of(path: str) -> Place:
    directory, _, name = path.rpartition("/")
    before, hashes, after = split_template(name)
    return (directory, before, after) if hashes else ("", path, "")


def coming(register: Register, known: InQueue) -> Iterator[Watched]:
    """The series of images that are waited for, in the order in which they were first seen."""
    for series in list(register.open.values()):
        is_told = (
            (isinstance(series, WatchedCbf) and bool(series.names))
            or (isinstance(series, WatchedMaster) and series.progress is not None)
            or isinstance(series, WatchedData)
        )
        if is_told and not known.has(series):
            yield series


def arriving(register: Register, known: InQueue, params: WatchParams, in_hurry: bool, now: float) -> list[Arriving]:
    """What is known of them; no more than anybody reads."""
    shown = islice(coming(register, known), MOST_ARRIVING)
    return list(_each(shown, register, params, in_hurry, now))


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


def _arriving(
    path: str, name: str, progress: SeriesProgress, params: WatchParams, in_hurry: bool, now: float
) -> Arriving:
    verdict = judge(progress, params, in_hurry)
    words = what_is_missing(progress, is_coming=progress.quiet <= params.settle_time) or WHOLE
    return Arriving(path, name, progress.n_present + progress.n_unfinished, words, float(round(now + verdict.look_in)))
