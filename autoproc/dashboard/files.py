"""Files of results as they are handed out: those that we have written, of one sweep, and nothing else.

A file is opened folder by folder from that of all results on, and no symbolic link is followed on the way, so that
whatever a name says and whatever was put where meanwhile, what is opened lies in the sweep's own folder.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autoproc.errors import InputError
from autoproc.service.results.outputs import Outputs, is_ours

STAGES = "stages"
STAGE_FILE = re.compile(r"[a-z][a-z_]{0,40}\.(?:expt|refl)")
"""What the stages leave."""
PIECE = 1 << 18
"""Bytes read at a time."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""A pipe that somebody has put there does not keep us waiting: it is opened, seen to be no file, and closed."""


class NotHandedOut(InputError):
    """A file that is not there, or is not to be handed out: nobody is told which."""

    what = "{name} has no file {file}"
    hint = "its page lists the files that there are"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that there is: its path within the folder of results, bytes, and time of change since 1970."""

    path: str
    size: int
    changed: float


@dataclass(frozen=True, slots=True)
class ResultFolder:
    """A folder of results, by the folders on the way to it; name : as people know it.

    base : the folder of all results, which may be reached by links; parts : of the way from there, not by links
    """

    name: str
    base: Path
    parts: tuple[str, ...]

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A file of ours, by its path within. Raises NotHandedOut."""
        if not is_handed_out(path):
            raise NotHandedOut(name=self.name, file=path)
        *folders, last = path.split("/")
        try:
            number = self._opened(folders, last)
        except (OSError, ValueError) as error:  # ValueError: a zero byte
            raise NotHandedOut(name=self.name, file=path) from error
        with os.fdopen(number, "rb") as file:
            yield file

    def read(self, path: str, most: int) -> bytes:
        """At most so many bytes of a file, from its beginning. Raises NotHandedOut."""
        with self.open(path) as file:
            return file.read(most)

    def listed(self) -> list[Listed]:
        """The files that are handed out, in order of their names; none where there is no such folder."""
        names = [*self._names(()), *(f"{STAGES}/{name}" for name in self._names((STAGES,)))]
        found = []
        for name in sorted(filter(is_handed_out, names)):
            with suppress(NotHandedOut), self.open(name) as file:
                status = os.fstat(file.fileno())
                found.append(Listed(name, status.st_size, status.st_mtime))
        return found

    def _names(self, folders: Sequence[str]) -> list[str]:
        try:
            number = self._folder(folders)
        except (OSError, ValueError):
            return []
        try:
            return os.listdir(number)
        finally:
            os.close(number)

    def _folder(self, folders: Sequence[str]) -> int:
        """A folder, opened. Raises OSError."""
        number = os.open(self.base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in (*self.parts, *folders):
            if part in ("", ".", "..") or "/" in part:
                os.close(number)
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), part)
            try:
                inner = os.open(part, FOLDER, dir_fd=number)
            finally:
                os.close(number)
            number = inner
        return number

    def _opened(self, folders: Sequence[str], name: str) -> int:
        folder = self._folder(folders)
        try:
            number = os.open(name, FILE, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
        return number


def is_handed_out(path: str) -> bool:
    """A path within a folder of results that is one of ours."""
    folder, slash, name = path.rpartition("/")
    if slash:
        return folder == STAGES and STAGE_FILE.fullmatch(name) is not None
    return name != STAGES and is_ours(name)


def results_of(outputs: Outputs, name: str) -> ResultFolder:
    """The folder of results of a sweep or group of the queue."""
    return ResultFolder(name, outputs.output, tuple(name.split("/")))


def earlier_results(outputs: Outputs, name: str, number: int) -> ResultFolder:
    """Results of a sweep that are kept from before."""
    place = outputs.earlier.folder(name, number).relative_to(outputs.output)
    return ResultFolder(f"{name}/{number}", outputs.output, place.parts)


def log_of_attempt(outputs: Outputs, name: str, run: int) -> ResultFolder:
    """The folder in which the log of an attempt without results is kept."""
    place = outputs.logs.folder(name, run).relative_to(outputs.output)
    return ResultFolder(f"attempt {run} at {name}", outputs.output, place.parts)


def under_way(outputs: Outputs, name: str, run: int) -> ResultFolder:
    """The folder that an attempt writes to."""
    place = outputs.folder(name, run).relative_to(outputs.output)
    return ResultFolder(name, outputs.output, place.parts)


def pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """So many bytes of a file, and no more if it grows; fewer if it was cut."""
    while size > 0 and (piece := file.read(min(PIECE, size))):
        size -= len(piece)
        yield piece
