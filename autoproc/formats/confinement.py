"""How far links may lead that strangers made, in files and as files: no further than their visit.

With the service's eyes the author of a link would read what is not theirs. What a file links to, and what it is itself
a symbolic link to, must lie below its own folder, below the one above it (masters link to ../data/), or below a folder
that the configuration lists. The folder above counts where it belongs to the same Unix group: that of a visit's own top
folder is the folder of all visits, which has another. Where files are read for somebody who may not read all that the
service can, they must lie in folders that he may read: what is asked is where an open file lies, so that no link can be
laid in between.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

READING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""Without O_NONBLOCK a pipe that a stranger gave the name of an image would hold the reader for good."""

LET_IT_LEAD = "if that is meant, give the folder that it leads to: import_sweep.link_roots=FOLDER"
LEADS_OUT = f"it is a symbolic link that leads out of its visit; {LET_IT_LEAD}"

_listed: list[Path] = []
"""Of this process: one policy holds for whatever it opens, on any thread."""
_may_read: ContextVar[Callable[[str], bool] | None] = ContextVar("_may_read", default=None)
"""Whether he for whom files are read may read those of a folder; none where all may be read."""


class LeadsOut(OSError):
    """A link that leads out of the visit of whoever made it."""

    advice = LET_IT_LEAD

    def __init__(self, reason: str = "it is a symbolic link that leads out of its visit") -> None:
        super().__init__(reason)


class NotForReader(LeadsOut):
    """A file in a folder that he for whom it is read may not read."""

    advice = "whoever may read that folder can let you in"

    def __init__(self) -> None:
        super().__init__("a link leads into a folder that you may not read")


@contextmanager
def read_for(may_read: Callable[[str], bool]) -> Iterator[None]:
    """Meanwhile, in this context and those copied from it, files are read only from folders that somebody may read."""
    token = _may_read.set(may_read)
    try:
        yield
    finally:
        _may_read.reset(token)


def require_for_reader(descriptor: int) -> None:
    """Raises NotForReader where an open file lies in a folder that he for whom it is read may not read."""
    may_read = _may_read.get()
    if may_read is not None and not may_read(os.path.dirname(os.readlink(f"/proc/self/fd/{descriptor}"))):
        raise NotForReader


def may_lead_into(roots: Iterable[str | Path]) -> None:
    """From now on this process follows links into these folders too, and into no others that were named before."""
    _listed[:] = [Path(root).resolve() for root in roots]


def is_within(target: Path, folder: Path) -> bool:
    """A file, all of whose links were followed, is one that files of a folder may lead to."""
    home = folder.resolve()
    is_shared = home.parent != home.parent.parent and _group_of(home.parent) == _group_of(home)
    own = (home, home.parent) if is_shared else (home,)
    return any(target.is_relative_to(root) for root in (*own, *_listed))


def _group_of(folder: Path) -> int | None:
    """The number of its Unix group; None where there is no such folder."""
    try:
        return os.stat(folder).st_gid
    except OSError:
        return None


def link_leads_out(path: Path, top: Path) -> bool:
    """A symbolic link to a folder that those who made it may not lead to from where it lies.

    top : all below it is looked at; back to a folder that holds the link itself leads a circle, not a way out
    """
    if not os.path.islink(path):
        return False
    target, home = Path(os.path.realpath(path)), Path(os.path.realpath(path.parent))
    is_circle = home.is_relative_to(target) and target.is_relative_to(os.path.realpath(top))
    return not is_circle and not is_within(target, home)


def open_descriptor(path: str | Path) -> int:
    """A descriptor for reading. Raises OSError, LeadsOut for a symbolic link out of the visit, NotForReader."""
    descriptor = _opened(path)
    try:
        require_for_reader(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: str | Path) -> int:
    try:
        return os.open(path, READING | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    target = Path(os.path.realpath(path))
    if not is_within(target, Path(path).parent):
        raise LeadsOut
    return os.open(target, READING | os.O_NOFOLLOW)
