"""The log of a sweep: while it is written, of its last attempt, or of one that left nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass

from autoproc.dashboard.files import NotHandedOut, ResultFolder, results_of, under_way
from autoproc.legible import legible_lines
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.results.attempt_logs import LOG
from autoproc.service.results.outputs import Outputs

MOST = 1 << 17
"""Bytes told at a time: 1500 lines, what a browser lays out at once."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """Some of a log: text from byte `begin` to byte `end`; run : of which attempt; is_growing : more will come."""

    text: str
    begin: int
    end: int
    run: int
    is_growing: bool

    def facts(self) -> dict[str, str | int | bool]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def log_part(outputs: Outputs, job: Job, begin: int | None = None) -> LogPart | None:
    """The log from a byte on, or its end where none is named; None where there is no log."""
    is_growing = job.state is JobState.running
    for folder in _places(outputs, job):
        try:
            with folder.open(LOG) as file:
                size = os.fstat(file.fileno()).st_size
                start = max(0, size - MOST) if begin is None else min(begin, size)
                file.seek(start)
                found = file.read(MOST)
        except (NotHandedOut, OSError):
            continue
        whole = _whole_lines(found, at_beginning=begin is not None or start == 0, is_growing=is_growing)
        start += found.index(whole)
        return LogPart(legible_lines(whole.decode(errors="replace")), start, start + len(whole), job.run, is_growing)
    return None


def _places(outputs: Outputs, job: Job) -> tuple[ResultFolder, ...]:
    if job.state is JobState.running:
        return (under_way(outputs, job.name, job.run),)
    return (results_of(outputs, job.name),)


def _whole_lines(found: bytes, at_beginning: bool, is_growing: bool) -> bytes:
    """Without half a line at the beginning, or at the end of a log that is being written."""
    if not at_beginning:
        found = found[found.find(b"\n") + 1 :]
    return found[: found.rfind(b"\n") + 1] if is_growing else found
