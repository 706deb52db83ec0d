"""Where news of directories come from: the kernel's events, or nowhere, so that one looks oneself."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

CHANGES: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirModifiedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip
"""What the kernel is asked to tell: nothing of reading, for whoever looks at 10,000 directories would be told of each
look, and the kernel's own queue of 16,384 events would overflow."""


class DirectoryEvents(Protocol):
    """What tells that there may be something new."""

    def told(self) -> set[Path]:
        """Files and directories with news since the last call."""

    def covers(self, directory: Path) -> bool:
        """Whether news of this directory come by themselves."""

    def wait(self, seconds: float) -> None:
        """Wait until there may be news, but not longer than this."""

    def close(self) -> None:
        """Stop to listen."""


class NoEvents:
    """Nobody tells anything: time passes until one looks again."""

    def told(self) -> set[Path]:
        """None, ever."""
        return set()

    def covers(self, directory: Path) -> bool:
        """No directory."""
        return False

    def wait(self, seconds: float) -> None:
        """Wait that long."""
        time.sleep(seconds)

    def close(self) -> None:
        """Nothing is open."""


class KernelEvents(FileSystemEventHandler):
    """The kernel's events below some roots.

    A root whose events cannot be had (the system's limit is reached) is not covered, nor what lies behind symbolic
    links.

    silent : where file systems without events are mounted
    gather : seconds to wait after an event, as they come in crowds
    """

    def __init__(self, roots: Collection[Path], silent: Collection[Path] = (), gather: float = 0.2) -> None:
        self._silent = frozenset(silent)
        self._gather = gather
        self._told: set[Path] = set()
        self._something = threading.Event()
        self._lock = threading.Lock()
        self._roots: list[Path] = []
        self._observer = Observer()
        self._observer.daemon = True
        # Two threads of watchdog may see a new directory at once; the second one says so, and nothing is lost.
        warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
        self._observer.start()
        self._covered: dict[Path, bool] = {}
        for root in roots:
            self._listen(root)

    def _listen(self, root: Path) -> None:
        try:
            self._observer.schedule(self, str(root), recursive=True, event_filter=CHANGES)
        except (OSError, RuntimeError):
            return
        self._roots.append(root)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note what an event is about, and its directory; called by watchdog's thread."""
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        with self._lock:
            for path in paths:
                self._told |= {Path(path), Path(path).parent}
        self._something.set()

    def told(self) -> set[Path]:
        """Files with events since the last call, and their directories."""
        with self._lock:
            told, self._told = self._told, set()
            self._something.clear()
        return told

    def covers(self, directory: Path) -> bool:
        """It is below a root that is listened to, not behind a symbolic link, and no listener has given up."""
        if not all(emitter.is_alive() for emitter in self._observer.emitters):
            return False
        if directory not in self._covered:
            self._covered[directory] = self._reaches(directory)
        return self._covered[directory]

    def _reaches(self, directory: Path) -> bool:
        way = (directory, *directory.parents)
        own = next((root for root in self._roots if root in way), None)
        if own is None:
            return False
        below = way[: way.index(own)]
        return not any(path in self._silent or os.path.islink(path) for path in below)

    def wait(self, seconds: float) -> None:
        """Wait for an event, and a little longer: they come in crowds."""
        if self._something.wait(seconds):
            time.sleep(min(self._gather, seconds))

    def close(self) -> None:
        """Stop watchdog's threads."""
        self._observer.stop()
        self._observer.join(timeout=5)
