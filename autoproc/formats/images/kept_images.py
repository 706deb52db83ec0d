"""Images kept in memory as their files hold them, for a second reading."""

from __future__ import annotations

import threading


class KeptImages:
    """The first images that were read and understood, up to a number of bytes. Safe to use from several threads.

    Compressed images take a fifth of the memory of their pixels or less, and unpacking them again costs less than
    the pages that as many pixels would fill.
    """

    def __init__(self, max_bytes: int = 0) -> None:
        self._max_bytes = self._room = max_bytes
        self._kept: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[KeptImages], tuple[int]]:
        """In another process, nothing is kept to begin with."""
        return type(self), (self._max_bytes,)

    def find(self, frame: int) -> bytes | None:
        """What was kept of a frame."""
        return self._kept.get(frame)

    def keep(self, frame: int, stored: bytes) -> None:
        """Keep what a frame was read from, once it is known to be sound, where there is room for it."""
        with self._lock:
            if frame not in self._kept and len(stored) <= self._room:
                self._room -= len(stored)
                self._kept[frame] = stored
