"""The recorder of `autoproc run` where a stream is configured: a process beside the run, begun again when it ends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autoproc.commands.beside import as_words, begin_beside, end
from autoproc.errors import ConfigurationError
from autoproc.recording.params import RecordParams

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before it is begun again; doubled each time that it ended within the longest."""
CANNOT_START = 2
"""Exit status of a program whose parameters are wrong: to begin it again would be of no use."""
Say = Callable[[str], None]


class NoFolder(ConfigurationError):
    """A stream without a place for its sweeps."""

    what = "record.endpoint names a stream, but no folder is given for its sweeps"
    hint = "set record.folder to a folder at or below one that is watched"


class RecordingBeside:
    """The process, if a stream is configured."""

    def __init__(self, params: RecordParams, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._params, self._say, self._clock = params, say, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._wait = FIRST_WAIT
        self._begun_at = self._due = clock()
        self._is_wanted = bool(params.endpoint)

    def poll(self) -> None:
        """Begin it when it is time to, and notice that it has ended."""
        if not self._is_wanted:
            return
        if self._process is None:
            if self._clock() >= self._due:
                self._begin()
        elif (status := self._process.poll()) is not None:
            self._process = None
            self._ended(status)

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def _begin(self) -> None:
        self._begun_at = self._clock()
        try:
            self._process = begin_beside("record", as_words("record", self._params))
        except OSError as error:
            self._later(f"the stream cannot be recorded ({error})")

    def _ended(self, status: int) -> None:
        if status == CANNOT_START:
            self._is_wanted = False
            self._say("the stream is not recorded, for the reason above; the run goes on without it")
            return
        if self._clock() - self._begun_at >= LONGEST_WAIT:
            self._wait = FIRST_WAIT
        self._later(f"recording the stream has ended (exit status {status})")

    def _later(self, what: str) -> None:
        self._say(f"{what}; it is begun again in {self._wait:.0f} s")
        self._due = self._clock() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)


@contextmanager
def recording_beside(params: RecordParams, watched: Sequence[Path], say: Say) -> Iterator[RecordingBeside]:
    """Record the configured stream, if there is one, while folders are watched. Raises NoFolder."""
    if params.endpoint and watched:
        _require_folder(params, watched, say)
    beside = RecordingBeside(params if watched else RecordParams(), say)
    try:
        yield beside
    finally:
        beside.close()


def _require_folder(params: RecordParams, watched: Sequence[Path], say: Say) -> None:
    if params.folder is None:
        raise NoFolder
    folder = params.folder.absolute()
    if not any(folder.is_relative_to(root) for root in watched):
        roots = ", ".join(map(str, watched))
        say(f"the stream is recorded to {folder}, which is not below what is watched ({roots}): it is not processed")
