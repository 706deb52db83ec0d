"""Sweeps that the user has named, or all under a directory as it stands: without waiting for more images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoproc.errors import AutoprocError
from autoproc.formats.no_files import NO_FILE, no_file
from autoproc.formats.sweeps import ImageSeries, find_series, unique_names
from autoproc.service.probing.fence import Prober
from autoproc.service.probing.questions import KindOf, NamedImages, Question, SweepsOfSeries, Unanswered
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.stages.import_sweep import Skipped

PATIENCE = 0.25
"""Seconds to wait for an answer at a time; signals are heard between."""


@dataclass(frozen=True, slots=True)
class NamedSweeps:
    """What the paths of a command line stand for.

    sweeps : to process, those with unusable images among them: their folders will say why
    skipped : images that are no sweep, beside others; problems : of paths without a sweep
    listed : images that cannot be looked at
    """

    sweeps: tuple[FoundSweep, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[AutoprocError, ...]
    listed: tuple[ListedImages, ...] = ()


class NamedSearch:
    """The sweeps of some paths, as they are now. Only the probe opens a file."""

    def __init__(self, paths: Sequence[str | Path], probe: Prober) -> None:
        self._probe = probe
        found = find_series(paths, lambda path: _kind_of(probe, Path(path)))
        self._asked: dict[int, ImageSeries] = {}
        listed = []
        for series, name in zip(found.series, unique_names(found.series), strict=True):
            odd = {path: kind for path in series.files.values() if (kind := no_file(path))}
            listed += [ListedImages(path, 0, "unreadable", NO_FILE.format(kind=kind)) for path, kind in odd.items()]
            files = {n: path for n, path in series.files.items() if path not in odd}
            if files:
                self._asked[probe.ask(SweepsOfSeries(replace(series, files=files), name))] = series
        passed_over = tuple(Skipped(path, 0, reason) for path, reason in found.passed_over)
        self._before = NamedSweeps((), passed_over, tuple(found.problems), tuple(listed))

    @property
    def is_over(self) -> bool:
        """Every file has been looked at."""
        return not self._asked

    def soon(self) -> NamedSweeps:
        """What is there, without what has to be asked about again: nobody waits for files that stall."""
        answers: dict[int, Any] = {}
        while self._probe.n_fresh:
            answers.update(self._probe.answers(PATIENCE))
        return self._told(answers, self._before)

    def poll(self) -> NamedSweeps:
        """What else has been told since."""
        return self._told(dict(self._probe.answers(0.0)), NamedSweeps((), (), ()))

    def _told(self, answers: Mapping[int, Any], before: NamedSweeps) -> NamedSweeps:
        """The answers in the order of the questions, behind what was known before."""
        sweeps, skipped = list(before.sweeps), list(before.skipped)
        problems, listed = list(before.problems), list(before.listed)
        for number in sorted(answers):
            series, answer = self._asked.pop(number), answers[number]
            if isinstance(answer, NamedImages):
                sweeps += answer.sweeps
                skipped += answer.skipped
            elif isinstance(answer, Unanswered):
                listed.append(ListedImages(series.template, len(series.files), "unreadable", answer.message))
            else:
                problems.append(answer)
        return NamedSweeps(tuple(sweeps), tuple(skipped), tuple(problems), tuple(listed))

    def close(self) -> None:
        """Nothing more is asked."""
        self._probe.close()


def named_sweeps(paths: Sequence[str | Path], probe: Prober) -> NamedSweeps:
    """All sweeps of some paths, however long that takes."""
    search = NamedSearch(paths, probe)
    answers = _all_answers(probe, list(search._asked))
    return search._told(answers, search._before)


def _all_answers(probe: Prober, asked: Sequence[int]) -> dict[int, Any]:
    answers: dict[int, Any] = {}
    while len(answers) < len(asked):
        answers.update(probe.answers(PATIENCE))
    return answers


def _kind_of(probe: Prober, path: Path) -> str:
    kind = no_file(path)
    if kind:
        raise Unanswered(path=path, reason=f"{path}: {NO_FILE.format(kind=kind)}")
    return _answer(probe, KindOf(path))


def _answer(probe: Prober, question: Question) -> Any:
    """One answer, waited for. Raises the error that it is."""
    number = probe.ask(question)
    answer = _all_answers(probe, [number])[number]
    if isinstance(answer, AutoprocError):
        raise answer
    return answer
