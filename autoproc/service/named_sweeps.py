"""Sweeps that the user has named, or all under a directory as it stands: without waiting for more images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoproc.errors import AutoprocError
from autoproc.formats.sweeps import find_series, unique_names
from autoproc.service.found_sweep import FoundSweep, ListedImages
from autoproc.service.probing import Prober
from autoproc.service.questions import KindOf, NamedImages, Question, SweepsOfSeries, Unanswered
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


def named_sweeps(paths: Sequence[str | Path], probe: Prober) -> NamedSweeps:
    """All sweeps of some paths, as they are now. Only the probe opens a file."""
    found = find_series(paths, lambda path: _answer(probe, KindOf(Path(path))))
    asked = [
        probe.ask(SweepsOfSeries(series, name))
        for series, name in zip(found.series, unique_names(found.series), strict=True)
    ]
    answers = _all_answers(probe, asked)
    named = [answers[number] for number in asked if isinstance(answers[number], NamedImages)]
    listed = []
    problems = list(found.problems)
    for series, number in zip(found.series, asked, strict=True):
        error = answers[number]
        if isinstance(error, Unanswered):
            listed.append(ListedImages(series.template, len(series.files), "unreadable", error.message))
        elif isinstance(error, AutoprocError):
            problems.append(error)
    passed_over = [Skipped(path, 0, reason) for path, reason in found.passed_over]
    return NamedSweeps(
        tuple(sweep for one in named for sweep in one.sweeps),
        (*passed_over, *(skipped for one in named for skipped in one.skipped)),
        tuple(problems),
        tuple(listed),
    )


def _all_answers(probe: Prober, asked: Sequence[int]) -> dict[int, Any]:
    answers: dict[int, Any] = {}
    while len(answers) < len(asked):
        answers.update(probe.answers(PATIENCE))
    return answers


def _answer(probe: Prober, question: Question) -> Any:
    """One answer, waited for. Raises the error that it is."""
    number = probe.ask(question)
    answer = _all_answers(probe, [number])[number]
    if isinstance(answer, AutoprocError):
        raise answer
    return answer
