"""Which results stand, in the queue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from autoproc.service.job_queue.job import JobState, sql_text


class Chosen:
    """What the queue is told of results that somebody has chosen."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._db, self._clock = db, clock

    def tell(
        self, job_id: int, state: JobState, result: Mapping[str, Any], settings: Mapping[str, Any], number: int
    ) -> None:
        """A settled sweep has other results now: those of an earlier attempt."""
        because = f"processing {number} stands again"
        event = json.dumps({"at": round(self._clock(), 3), "event": "chosen", "because": because})
        self._db.execute(
            "UPDATE jobs SET state = :state, result = :result, settings = :settings, error = :error, hint = :hint,"
            " retryable = 0, story = json_insert(story, '$[#]', json(:event)) WHERE id = :id",
            {
                "state": state, "result": json.dumps(result), "settings": json.dumps(settings),
                "error": sql_text(result.get("error")), "hint": sql_text(result.get("hint")), "event": event,
                "id": job_id,
            },
        )  # fmt: skip
