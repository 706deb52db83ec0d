"""Answers to questions about strangers' files: each a pure function that opens them, to be run where it may fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoproc.errors import AutoprocError, BadHeader, UnreadableFile, UnsupportedFile, details_of
from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.images.cbf import read_cbf_header
from autoproc.formats.images.frame_headers import TOLD_BY, read_frame_header
from autoproc.formats.images.minicbf import header_fields, numbers
from autoproc.formats.images.planned import planned_in_header
from autoproc.formats.registry import kind_of, read_image_models
from autoproc.importing.params import ImportParams
from autoproc.service.probing.named_series import named_images
from autoproc.service.probing.questions import (
    MOST_GAPS,
    CutOff,
    FramesOf,
    FramesSeen,
    KindOf,
    Pace,
    PaceOf,
    Question,
    SweepsOfCbf,
    SweepsOfMaster,
    SweepsOfSeries,
    Unanswered,
)
from autoproc.service.probing.recognise import recognise_cbf, recognise_master
from autoproc.service.sweeps.series_verdict import gaps


def answer_to(question: Question, params: ImportParams) -> Any:
    """The answer, of the type that the question names. Raises AutoprocError."""
    match question:
        case KindOf(path):
            return kind_of(path)
        case PaceOf(path):
            return pace_of(path)
        case CutOff(directory, sizes):
            return cut_off(directory, sizes)
        case FramesOf(path):
            return frames_seen(path)
        case SweepsOfCbf(directory, visit, files, marker, verdict, arrived):
            paths = {number: directory / name for number, name in files.items()}
            return tuple(recognise_cbf(directory, visit, paths, directory / marker, verdict, arrived, params))
        case SweepsOfMaster(path, visit, verdict, arrived):
            return tuple(recognise_master(path, visit, frames_present(path), verdict, arrived, params))
        case SweepsOfSeries(series, name):
            return named_images(series, name, params)


def pace_of(path: Path) -> Pace:
    """What an image's header says; a header that cannot be read perhaps can later."""
    try:
        if kind_of(path) == "files":
            return Pace(None, read_image_models(path).exposure)
        header = read_cbf_header(path)
    except BadHeader:  # it lacks what the user's parameters give; how fast images come it does not say either
        return Pace(None, 0.0)
    except AutoprocError:
        return Pace(is_known=False)
    fields = header_fields(header.text)
    exposure = max(numbers(fields, key, 1)[0] or 0.0 for key in ("Exposure_period", "Exposure_time"))
    return Pace(planned_in_header(header), exposure)


def cut_off(directory: Path, sizes: Mapping[str, int]) -> tuple[str, ...]:
    """The files that are shorter than their headers say, or have none; what is gone meanwhile is not among them."""
    return tuple(name for name, size in sizes.items() if _is_cut_off(directory / name, size))


def _is_cut_off(path: Path, size: int) -> bool:
    try:
        if kind_of(path) == "files":
            return size < read_frame_header(path).n_bytes
        header = read_cbf_header(path)
    except UnsupportedFile:  # a photograph, say; it becomes no image by waiting, unless it has hardly begun
        return size < TOLD_BY
    except AutoprocError as error:
        return not (isinstance(error, UnreadableFile) and error.facts.get("is_missing"))
    return size < header.data_offset + header.n_bytes


def frames_seen(path: Path) -> FramesSeen:
    """The frames of a master file, in few numbers."""
    there = frames_present(path)
    present = np.flatnonzero(there.present).tolist()
    return FramesSeen(
        there.n_present, len(there.present), gaps(present)[:MOST_GAPS], there.n_expected, there.is_sure, there.obstacle
    )


class Inside:
    """Answers in the process that asks: without a fence, for files that can be trusted."""

    def __init__(self, params: ImportParams | None = None) -> None:
        self._params = params or ImportParams()
        self._asked: deque[tuple[int, Question]] = deque()
        self._n_asked = 0

    def ask(self, question: Question) -> int:
        """Ask; returns the number of the question."""
        self._n_asked += 1
        self._asked.append((self._n_asked, question))
        return self._n_asked

    def answers(self, timeout: float) -> list[tuple[int, Any]]:
        """The next answer, or error, with the number of its question."""
        if not self._asked:
            return []
        number, question = self._asked.popleft()
        try:
            return [(number, answer_to(question, self._params))]
        except AutoprocError as error:
            return [(number, error)]
        except Exception as error:  # the edge to other people's files
            return [(number, _unanswered(question, error))]

    @property
    def n_fresh(self) -> int:
        """Questions that are not answered yet."""
        return len(self._asked)

    def close(self) -> None:
        """Nothing is open."""


LONGEST_DETAILS = 6000
"""Characters of a traceback: the calls that matter are the last."""


def _unanswered(question: Question, error: Exception) -> Unanswered:
    return Unanswered(path=question.path, reason=failed_words(error), details=failed_where(error))


def failed_where(error: BaseException) -> str:
    """The end of its traceback, for the log; nothing where the words say all."""
    return "" if isinstance(error, MemoryError) else details_of(error)[-LONGEST_DETAILS:]


def failed_words(error: BaseException) -> str:
    """A failure that nobody foresaw, in words."""
    if isinstance(error, MemoryError):
        return "reading it takes more memory than watch.probe_memory"
    return f"cannot be told ({type(error).__name__}: {error})"
