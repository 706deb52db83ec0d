"""Which of the sweeps that wait goes first, where somebody says so."""

from __future__ import annotations

import sqlite3

from autoproc.service.job_queue.queue_sql import BY_HAND

MOST_URGENT = "SELECT COALESCE(max(priority), 0) FROM jobs WHERE state = 'queued' AND id != :id"


class Priorities:
    """The priorities in the queue's file: the greater, the sooner; 0 is what nobody asked for."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def change(self, job_id: int, priority: float | None = None) -> bool:
        """Give a sweep that waits another priority; None: before all others that wait. Returns whether it waits."""
        first = f"max({BY_HAND}, ({MOST_URGENT}) + 1)"
        told = f"UPDATE jobs SET priority = COALESCE(:priority, {first}) WHERE id = :id AND state = 'queued'"
        return self._db.execute(told, {"id": job_id, "priority": priority}).rowcount > 0
