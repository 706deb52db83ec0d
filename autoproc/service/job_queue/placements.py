"""Which sweeps under way are not with the program's own workers, but where they go on when the program ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from autoproc.service.job_queue.job import Job
from autoproc.service.job_queue.job_row import job_of
from autoproc.service.job_queue.queue_sql import MINE


class Placements:
    """The columns of the queue's rows that say so."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._db, self._clock = db, clock

    def intend(self, job: Job, executor: str) -> None:
        """An executor is about to be given an attempt: where it has no handle later, nobody knows whether it was."""
        self._change("executor = :executor, handle = NULL", job, executor=executor)

    def place(self, job: Job, handle: str) -> None:
        """The executor has it, under this handle."""
        self._change("handle = :handle", job, handle=handle)

    def begun(self, job: Job) -> None:
        """It has waited until now; the time of its processing begins."""
        self._change("started_at = :now", job, now=self._clock())

    def outlasting(self) -> list[Job]:
        """The sweeps under way that go on without the program."""
        rows = self._db.execute("SELECT * FROM jobs WHERE state = 'running' AND executor IS NOT NULL ORDER BY id")
        return [job_of(row) for row in rows]

    def _change(self, changes: str, job: Job, **values: object) -> None:
        self._db.execute(f"UPDATE jobs SET {changes} WHERE {MINE}", values | {"id": job.id, "run": job.run})
