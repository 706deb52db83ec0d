"""The queue as a whole, asked in SQL: numbers and stretches of it, whose cost does not grow with all that it holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from autoproc.service.job import Job, job_of

TALLY = "SELECT state, json_extract(result, '$.verdict'), count(*) FROM jobs GROUP BY 1, 2"
LOOKS = "SELECT (id - 1) / ?, group_concat(state || run || length(story)) FROM jobs GROUP BY 1 ORDER BY 1"
BETWEEN = "SELECT * FROM jobs WHERE id BETWEEN ? AND ? ORDER BY id"


class Overview:
    """What pages ask about many sweeps at once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def tally(self) -> Mapping[tuple[str, str], int]:
        """How many sweeps there are of each state and verdict ("" without one)."""
        return {(state, verdict or ""): n for state, verdict, n in self._db.execute(TALLY)}

    def looks(self, size: int) -> Mapping[int, str]:
        """For each stretch of so many sweeps, by its number from 0: a text that changes when one of them does."""
        return dict(self._db.execute(LOOKS, (size,)).fetchall())

    def stretch(self, number: int, size: int) -> list[Job]:
        """The sweeps of a stretch, in the order of arrival."""
        first = number * size + 1
        return [job_of(row) for row in self._db.execute(BETWEEN, (first, first + size - 1))]
