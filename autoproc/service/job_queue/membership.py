"""How sweeps stand in their groups, in the queue: kept with a sweep's result as long as the group is made of that."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from autoproc.service.job_queue.job import sql_read, sql_text
from autoproc.service.job_queue.job_row import job_of

NAME, WORDS = "json_extract(result, '$.group.name')", "json_extract(result, '$.group.words')"
TELL = f"""
UPDATE jobs SET result = json_set(result, '$.group', json(:standing)),
    story = CASE WHEN {WORDS} IS :words THEN story ELSE json_insert(story, '$[#]', json(:event)) END
WHERE name = :name AND run = :run AND json_valid(result)
"""
FORGET = f"""
UPDATE jobs SET result = json_remove(result, '$.group'), story = json_insert(story, '$[#]', json(:event))
WHERE json_valid(result) AND {NAME} = :group AND name NOT IN (SELECT value FROM json_each(:kept))
"""


class Membership:
    """What the queue is told of the sweeps of a group."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._db, self._clock = db, clock

    def results(self, runs: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        """The results of sweeps, by name, that are of these attempts and no others."""
        chosen = "SELECT * FROM jobs WHERE name IN (SELECT value FROM json_each(?))"
        rows = self._db.execute(chosen, (_listed(runs),))
        return {job.name: job.result for job in map(job_of, rows) if job.result and job.run == runs[job.name]}

    def sweeps_of(self, group: str) -> dict[str, int]:
        """The sweeps that stand in a group as it is, and which attempt of each."""
        rows = self._db.execute(f"SELECT name, run FROM jobs WHERE json_valid(result) AND {NAME} = ?", (group,))
        return {sql_read(name): run for name, run in rows}

    def tell(self, group: str, runs: Mapping[str, int], standings: Mapping[str, Mapping[str, Any]]) -> None:
        """The sweeps stand so in the group; others that did before, do no more.

        runs : the attempt of each whose result it is about
        """
        for name, standing in standings.items():
            words = standing["words"]
            values = {"standing": json.dumps(standing), "words": words, "name": sql_text(name), "run": runs[name]}
            self._db.execute(TELL, values | {"event": self._event(group, words)})
        gone = self._event(group, f"no more part of {group} as it is")
        self._db.execute(FORGET, {"event": gone, "group": group, "kept": _listed(standings)})

    def _event(self, group: str, because: str) -> str:
        return json.dumps({"at": round(self._clock(), 3), "event": "group", "because": because, "group": group})


def _listed(names: Mapping[str, Any]) -> str:
    return json.dumps(list(names))
