"""What tells that a file is another than it was, without reading it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[int, int, int]
"""When a file was changed, its size, and its number on the disk."""


def stamp(path: Path) -> Stamp:
    """Another one than before where the file is another. Raises OSError."""
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def stamps(paths: Iterable[Path]) -> tuple[Stamp, ...]:
    """Of each file in turn, once; zeros for one that is not there: reading says why."""
    return tuple(_stamp_if_there(path) for path in dict.fromkeys(paths))


def _stamp_if_there(path: Path) -> Stamp:
    try:
        return stamp(path)
    except OSError:
        return 0, 0, 0
