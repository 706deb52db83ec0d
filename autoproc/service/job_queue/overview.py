"""The queue as a whole, asked in SQL: numbers and stretches of it, whose cost does not grow with all that it holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from autoproc.service.job_queue.job import Job, JobState, sql_read
from autoproc.service.job_queue.job_row import job_of
from autoproc.service.job_queue.sweep_query import VERDICT, SweepList
from autoproc.service.sweeps.sample_groups import COMBINED

TALLY = f"SELECT state, {VERDICT}, count(*) FROM jobs GROUP BY 1, 2"
COUNTS = "SELECT state, count(*) FROM jobs GROUP BY 1"
"""What tally adds up, from the index of states alone."""
LOOKS = "SELECT (id - 1) / ?, group_concat(state || run || length(story)) FROM jobs GROUP BY 1 ORDER BY 1"
BETWEEN = "SELECT * FROM jobs WHERE id BETWEEN ? AND ? ORDER BY id"


ENDS = "SELECT * FROM jobs WHERE state = ? AND kind != ? ORDER BY finished_at DESC LIMIT ?"


class Overview:
    """What pages ask about many sweeps at once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.list = SweepList(db)

    def tally(self) -> Mapping[tuple[str, str], int]:
        """How many sweeps there are of each state and verdict ("" without one)."""
        return {(state, str(verdict or "")): n for state, verdict, n in self._db.execute(TALLY)}

    def n_groups(self) -> int:
        """How many groups of sweeps there are among them."""
        return int(self._db.execute("SELECT count(*) FROM jobs WHERE kind = ?", (COMBINED,)).fetchone()[0])

    def numbers(self) -> dict[JobState, int]:
        """How many sweeps there are in each state that has any."""
        return {JobState(state): n for state, n in self._db.execute(COUNTS)}

    def next_in(self, state: JobState, most: int) -> list[Job]:
        """At most so many sweeps of a state: the oldest images of those that wait or are under way, else the latest."""
        by = "COALESCE(finished_at, found_at) DESC, id" if state.is_settled else "completed_at, id"
        chosen = f"SELECT id FROM jobs WHERE state = ? ORDER BY {by} LIMIT ?"
        query = f"SELECT * FROM jobs WHERE id IN ({chosen}) ORDER BY {by}"
        return [job_of(row) for row in self._db.execute(query, (state, most))]

    def latest_ends(self, most: int) -> list[Job]:
        """At most so many sweeps that were processed, failed or were set aside, the latest first; no groups."""
        ends = [(str(state), COMBINED, most) for state in (JobState.processed, JobState.failed, JobState.set_aside)]
        rows = [row for values in ends for row in self._db.execute(ENDS, values)]
        return sorted(map(job_of, rows), key=lambda job: -(job.finished_at or 0.0))[:most]

    def paths(self) -> dict[str, int]:
        """Templates and master files with the most images of a sweep of theirs."""
        rows = self._db.execute("SELECT path, max(n_images) FROM jobs GROUP BY path")
        return {sql_read(path): n_images for path, n_images in rows}

    def looks(self, size: int) -> Mapping[int, str]:
        """For each stretch of so many sweeps, by its number from 0: a text that changes when one of them does."""
        return dict(self._db.execute(LOOKS, (size,)).fetchall())

    def stretch(self, number: int, size: int) -> list[Job]:
        """The sweeps of a stretch, in the order of arrival."""
        first = number * size + 1
        return [job_of(row) for row in self._db.execute(BETWEEN, (first, first + size - 1))]


def numbers_of(tally: Mapping[tuple[str, str], int]) -> dict[JobState, int]:
    """The sweeps of each state, whatever their verdicts."""
    numbers: dict[JobState, int] = {}
    for (state, _), n in tally.items():
        numbers[JobState(state)] = numbers.get(JobState(state), 0) + n
    return numbers
