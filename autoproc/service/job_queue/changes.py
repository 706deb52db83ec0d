"""What has changed in the queue since somebody looked: a number that grows with every change that people would see.

The queue's file numbers them itself (triggers of schema.sql), in the transaction of the change: whoever has seen all up
to a number is told of each sweep that has changed since, once, however often it did.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

COMING = 0
"""In place of a sweep's number: which images are coming."""


@dataclass(frozen=True, slots=True)
class SweepChange:
    """A sweep (its number in the queue, or COMING) has changed; number : its place among all changes."""

    number: int
    job_id: int


class Changes:
    """The changes, in the queue's file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @property
    def stamp(self) -> int:
        """Another number than before when another program has written to the file; costs next to nothing."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    @property
    def latest(self) -> int:
        """The number of the last change; 0 without one."""
        return int(self._db.execute("SELECT COALESCE(max(number), 0) FROM changes").fetchone()[0])

    def since(self, number: int) -> list[SweepChange]:
        """What has changed after a number, in the order of the last change of each."""
        rows = self._db.execute("SELECT number, job_id FROM changes WHERE number > ? ORDER BY number", (number,))
        return [SweepChange(*row) for row in rows]
