"""What is new below directories, with as few questions to the file system as that takes.

A directory is listed when its time of modification has changed, and once more after that (times have a
coarse grain); no file is asked for anything but its name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Protocol, cast

from autoproc.formats.confinement import link_leads_out
from autoproc.service.watching.params import WatchParams

SHARE_OF_QUIET = 0.05
"""Time between looks, as a part of the time that a directory has been quiet: news are noticed late by as little."""
LOOK_COST = 0.002
"""Seconds that pass between two looks at a directory for each that is as busy: twenty times what a look at a local disk
takes (0.1 ms on one core), so that thousands of unfinished sweeps leave the program its time."""
EVERYBODY = 0o444
HOT = 10.0
"""Seconds after a change during which a directory is looked at as often as possible."""


class ScannedEntry(Protocol):
    """What os.scandir gives."""

    name: str

    def is_dir(self) -> bool:
        """Whether it is a directory, or a link to one; may cost a stat."""

    def is_symlink(self) -> bool:
        """Whether it is a symbolic link; from the listing."""

    def inode(self) -> int:
        """The file's number, from the listing."""


class Disk:
    """What is asked of the file system; tests count it."""

    def list(self, path: Path) -> list[ScannedEntry]:
        """Entries of a directory. Raises OSError."""
        with os.scandir(path) as listing:
            return cast(list[ScannedEntry], list(listing))

    def stat(self, path: Path) -> os.stat_result:
        """Size, times and identity of a file or directory. Raises OSError."""
        return os.stat(path)

    def may_read(self, path: Path, status: os.stat_result) -> bool:
        """Whether we may read a file. Asked only where not everybody may."""
        return status.st_mode & EVERYBODY == EVERYBODY or os.access(path, os.R_OK)


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """News of a directory.

    arrived : names that are new, or whose file is another than before; gone : names that are no longer there
    is_first : the directory was not known; modified : its time of modification, seconds
    leading_out : new links to folders outside the visit, which are not followed
    """

    directory: Path
    visit: str
    arrived: tuple[str, ...]
    gone: tuple[str, ...]
    is_first: bool
    modified: float
    leading_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Directory:
    path: Path
    visit: str
    is_root: bool
    depth: int = 0
    identity: tuple[int, int] | None = None
    modified_ns: int = -1
    changed_at: float = 0.0
    listed_at: float = 0.0
    is_settled: bool = False
    next_look: float = 0.0
    inodes: dict[str, int] = field(default_factory=dict)
    subdirectories: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)


class Directories:
    """The directories below some roots.

    covered : whether events tell what happens in a directory, so that it need be looked at rarely
    Times are of the clock whose value is passed in.
    """

    def __init__(
        self, roots: Collection[Path], params: WatchParams, disk: Disk, covered: Callable[[Path], bool]
    ) -> None:
        self._params = params
        self._disk = disk
        self._covered = covered
        self._known: dict[Path, _Directory] = {}
        self._owners: dict[tuple[int, int], Path] = {}
        for root in roots:
            self._known.setdefault(root, _Directory(root, str(root), is_root=True))

    def __len__(self) -> int:
        return sum(directory.identity is not None for directory in self._known.values())

    def next_look(self) -> float:
        """When the next directory is due."""
        return min(directory.next_look for directory in self._known.values())

    def changes(self, now: float, told: Collection[Path], busy: Collection[Path]) -> Iterator[DirectoryChange]:
        """News of the directories that are due, of those that events told of, and of new ones below them.

        busy : directories with unfinished sweeps, which are looked at as often as possible where no events tell of them
        """
        due = [d for d in self._known.values() if d.next_look <= now or d.path in told]
        return chain.from_iterable(self._look(directory, now, busy, directory.path in told) for directory in due)

    def hurry(self, path: Path, now: float) -> None:
        """Look at a directory in the next round."""
        if path in self._known:
            self._known[path].next_look = now

    def _look(self, top: _Directory, now: float, busy: Collection[Path], is_told: bool) -> Iterator[DirectoryChange]:
        waiting = [(top, is_told)]
        while waiting:
            directory, is_told = waiting.pop()
            try:
                change = self._one(directory, now, is_told)
            except (FileNotFoundError, NotADirectoryError):
                yield from self._forget(directory)
                if directory.is_root:
                    self._known[directory.path].next_look = now + self._params.poll_interval
                continue
            except OSError:  # a network file system's hiccup, or no permission yet
                change = None
            directory.next_look = now + self._interval(directory, now, busy)
            if change is None:
                continue
            yield change
            for name in change.gone:
                if directory.path / name in self._known:
                    yield from self._forget(self._known[directory.path / name])
            waiting += [(d, False) for d in reversed(self._new_below(directory))]

    def _interval(self, directory: _Directory, now: float, busy: Collection[Path]) -> float:
        quiet, params = now - directory.changed_at, self._params
        often = min(max(params.poll_interval, LOOK_COST * len(busy)), params.rescan_interval)
        if not directory.is_settled or quiet < HOT:
            return often
        if self._covered(directory.path):
            return params.rescan_interval
        if directory.path in busy:
            return often
        if directory.is_root:
            return params.poll_interval
        return min(max(SHARE_OF_QUIET * quiet, params.poll_interval), params.rescan_interval)

    def _one(self, directory: _Directory, now: float, is_told: bool) -> DirectoryChange | None:
        """List a directory if it may have changed. Raises OSError."""
        status = self._disk.stat(directory.path)
        if not self._is_ours(directory, (status.st_dev, status.st_ino)):
            return None
        is_first, is_changed = directory.modified_ns < 0, status.st_mtime_ns != directory.modified_ns
        is_rested = now - directory.listed_at >= self._params.stable_time
        if not (is_changed or is_told or (is_rested and not directory.is_settled)):
            return None
        entries = self._disk.list(directory.path)
        if is_changed:
            # Servers' clocks differ from ours, which alone counts once the directory is known.
            directory.changed_at = min(now, status.st_mtime) if is_first else now
        directory.is_settled = not is_changed and is_rested
        directory.listed_at, directory.modified_ns = now, status.st_mtime_ns
        arrived, gone, leading_out = _compared(directory, entries)
        return DirectoryChange(directory.path, directory.visit, arrived, gone, is_first, status.st_mtime, leading_out)

    def _is_ours(self, directory: _Directory, identity: tuple[int, int]) -> bool:
        """A directory that is reached on several ways, or in a circle, is looked at on the first of them."""
        owner = self._owners.setdefault(identity, directory.path)
        if owner != directory.path and owner in self._known:
            directory.is_settled = True
            return False
        self._owners[identity] = directory.path
        if directory.identity != identity:
            directory.identity, directory.modified_ns = identity, -1
        return True

    def _forget(self, top: _Directory) -> Iterator[DirectoryChange]:
        """A directory and all below it are gone; a root is looked for again."""
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            if directory.identity is not None and self._owners.get(directory.identity) == directory.path:
                del self._owners[directory.identity]
            if directory.inodes:
                yield DirectoryChange(directory.path, directory.visit, (), tuple(directory.inodes), False, 0.0)
            below = (self._known.get(directory.path / name) for name in directory.subdirectories)
            waiting += [lost for lost in below if lost is not None and not lost.is_root]
            if directory.is_root:
                self._known[directory.path] = _Directory(directory.path, directory.visit, is_root=True)
            else:
                self._known.pop(directory.path, None)

    def _new_below(self, directory: _Directory) -> list[_Directory]:
        """Start to watch the subdirectories that are not known yet, in the order of their names.

        Links come last: what is reached without them is known by its own name, and events tell of it.
        """
        fresh = []
        for name in sorted(directory.subdirectories, key=lambda name: (name in directory.links, name)):
            path = directory.path / name
            if path not in self._known and not self._is_excluded(path):
                self._known[path] = self._below(directory, path)
                fresh.append(self._known[path])
        return fresh

    def _below(self, directory: _Directory, path: Path) -> _Directory:
        """A subdirectory: of its parent's visit, or a visit of its own."""
        depth = directory.depth + 1
        visit = str(path) if depth <= self._params.visit_depth else directory.visit
        return _Directory(path, visit, is_root=False, depth=depth)

    def _is_excluded(self, path: Path) -> bool:
        return any(fnmatch(path.name, pattern) or fnmatch(str(path), pattern) for pattern in self._params.exclude)


def _compared(
    directory: _Directory, entries: list[ScannedEntry]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names that arrived, that are gone, and new links to folders that are not to be followed.

    Only names that are new are asked whether they are directories, and where they lead.
    """
    inodes: dict[str, int] = {}
    subdirectories: set[str] = set()
    links: set[str] = set()
    arrived, leading_out = [], []
    for entry in entries:
        name, inode = entry.name, entry.inode()
        if name.startswith("."):
            continue
        if directory.inodes.get(name) == inode:
            inodes[name] = inode
        elif name not in directory.subdirectories and _leads_out(directory, entry):
            inodes[name] = inode
            leading_out.append(name)
        elif name in directory.subdirectories or _is_directory(entry):
            subdirectories.add(name)
            if entry.is_symlink():
                links.add(name)
        else:
            inodes[name] = inode
            arrived.append(name)
    gone = [name for name in directory.inodes if name not in inodes]
    gone += [name for name in directory.subdirectories if name not in subdirectories]
    directory.inodes, directory.subdirectories, directory.links = inodes, subdirectories, links
    return tuple(sorted(arrived)), tuple(gone), tuple(sorted(leading_out))


def _leads_out(directory: _Directory, entry: ScannedEntry) -> bool:
    root = directory.path.parents[directory.depth - 1] if directory.depth else directory.path
    return entry.is_symlink() and _is_directory(entry) and link_leads_out(directory.path / entry.name, root)


def _is_directory(entry: ScannedEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
