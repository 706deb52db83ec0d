"""Names that lead to no file: pipes, sockets and devices. To open one may wait for ever, or do something."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from autoproc.errors import UnreadableFile

NO_FILE = "{kind}, not a file"
KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
"""In words, by the type that the system gives them."""


class NotAFile(UnreadableFile):
    """A name leads to a pipe, a socket or a device."""

    what = "{path} is {kind}, not a file"
    hint = "give the name of a file"


def no_file(path: str | Path, stat_of: Callable[[Path], os.stat_result] = os.stat) -> str:
    """What a name leads to that is no file; "" for files, folders, and what cannot be told."""
    try:
        return KINDS.get(stat.S_IFMT(stat_of(Path(path)).st_mode), "")
    except (OSError, ValueError):
        return ""


def require_file(path: str | Path) -> None:
    """Raise NotAFile for a name that leads to a pipe, a socket or a device, which is not opened."""
    if no_file(path):
        raise not_a_file(path, os.stat(path).st_mode)


def read_file(path: str | Path) -> bytes:
    """The content of a file, as it is. Raises NotAFile or UnreadableFile."""
    require_file(path)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableFile(path=path, reason=error.strerror or error) from error


def not_a_file(path: str | Path, mode: int) -> NotAFile:
    """The error for what has this mode, as os.stat gives it."""
    kind = KINDS.get(stat.S_IFMT(mode), "a folder" if stat.S_ISDIR(mode) else "something else")
    return NotAFile(path=path, kind=kind, reason=NO_FILE.format(kind=kind), is_missing=False)
