"""What is asked about strangers' files, and what is answered: plain facts that travel as JSON between processes.

Whoever answers has opened the file and may be under its spell: nothing but these facts is taken from it, and each of
them is made anew of the type it should have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cattrs import Converter
from cattrs.strategies import configure_tagged_union

from autoproc.errors import AutoprocError, InputError
from autoproc.formats.sweeps import ImageSeries
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.stages.import_sweep import Skipped

MOST_GAPS = 1000
"""Stretches of missing frames that are told; people are shown five."""


class Unanswered(AutoprocError):
    """Nobody could answer: whoever opened the file crashed, hung, or fell over it.

    Its fact `details` is the traceback, for the log, where there is one.
    """

    what = "{reason}"
    hint = "if other programs can read {path}, tell the authors"


class Answered(InputError):
    """The answer is an error that autoproc raises on purpose."""

    what = "{message}"
    hint = "{advice}"


@dataclass(frozen=True, slots=True)
class Pace:
    """What an image's header says of its sweep: number of images, if it does; seconds an image; readable at all."""

    n_expected: int | None = None
    exposure: float = 0.0
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class FramesSeen:
    """What is there of an HDF5 sweep, as `FramesPresent` has it, in few numbers.

    n_frames : there or expected; missing : (first, last) of stretches between frames that are there
    """

    n_present: int
    n_frames: int
    missing: tuple[tuple[int, int], ...]
    n_expected: int | None
    is_sure: bool
    obstacle: str


@dataclass(frozen=True, slots=True)
class ToldError:
    """An error as people read it."""

    message: str
    advice: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class NamedImages:
    """What a series that the user has named holds."""

    sweeps: tuple[FoundSweep, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class KindOf:
    """What kind a file is."""

    answer: ClassVar[Any] = str
    path: Path


@dataclass(frozen=True, slots=True)
class PaceOf:
    """How many images are to come, and how fast, as the header of one says."""

    answer: ClassVar[Any] = Pace
    path: Path


@dataclass(frozen=True, slots=True)
class CutOff:
    """Which of these files of a directory are shorter than their headers say; sizes : bytes, by name."""

    answer: ClassVar[Any] = tuple[str, ...]
    path: Path
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FramesOf:
    """Which frames of a master file are there."""

    answer: ClassVar[Any] = FramesSeen
    path: Path


@dataclass(frozen=True, slots=True)
class SweepsOfCbf:
    """Which sweeps these files of a directory are; files : names by number; marker : see `recognise_cbf`."""

    answer: ClassVar[Any] = tuple[FoundSweep | ListedImages, ...]
    path: Path
    visit: str
    files: Mapping[int, str]
    marker: str
    verdict: SeriesVerdict
    arrived: float


@dataclass(frozen=True, slots=True)
class SweepsOfMaster:
    """Which sweeps a master file describes."""

    answer: ClassVar[Any] = tuple[FoundSweep | ListedImages, ...]
    path: Path
    visit: str
    verdict: SeriesVerdict
    arrived: float


@dataclass(frozen=True, slots=True)
class SweepsOfSeries:
    """What a series holds that the user has named; name : of its sweep."""

    answer: ClassVar[Any] = NamedImages
    series: ImageSeries
    name: str

    @property
    def path(self) -> Path:
        """Its template or master file."""
        return self.series.template


Question = KindOf | PaceOf | CutOff | FramesOf | SweepsOfCbf | SweepsOfMaster | SweepsOfSeries


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: Path(value))
    configure_tagged_union(FoundSweep | ListedImages, converter)
    configure_tagged_union(Question, converter)
    return converter


CONVERTER = _converter()


def question_bytes(question: Question) -> bytes:
    """A question as JSON; names that are no UTF-8 go as escapes."""
    return json.dumps(CONVERTER.unstructure(question, Question)).encode()


def read_question(line: bytes) -> Question:
    """From such bytes."""
    return CONVERTER.structure(json.loads(line), Question)  # type: ignore[arg-type]


def answer_bytes(question: Question, answer: Any) -> bytes:
    """An answer as JSON."""
    return json.dumps({"answer": CONVERTER.unstructure(answer, question.answer)}).encode()


def problem_bytes(kind: str, message: str, advice: str = "", details: str = "") -> bytes:
    """That there is no answer: an "error" raised on purpose, or that answering "failed", with its traceback."""
    return json.dumps({kind: CONVERTER.unstructure(ToldError(message, advice, details))}).encode()


def read_answer(question: Question, line: bytes) -> Any:
    """From such bytes, of the type that was asked for. Raises Answered, or Unanswered for what is no answer."""
    try:
        facts = json.loads(line)
        if "answer" in facts:
            return CONVERTER.structure(facts["answer"], question.answer)
        kind, problem = next((k, CONVERTER.structure(facts[k], ToldError)) for k in ("error", "failed") if k in facts)
    except Exception:  # the edge to a process that may be under a file's spell, and say anything
        raise Unanswered(path=question.path, reason="the answer about it makes no sense") from None
    if kind == "error":
        raise Answered(message=problem.message, advice=problem.advice)
    raise Unanswered(path=question.path, reason=problem.message, details=problem.details)
