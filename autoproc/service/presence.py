"""Who is at work on a queue, and which sweeps it sees coming: for those who only look at the queue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autoproc.service.job import sql_read, sql_text
from autoproc.service.owner import is_dead, is_here

SILENCE = 120.0
"""Seconds after which a program on another machine that says nothing is taken to be gone."""
MOST_ARRIVING = 200
"""Sweeps shown as arriving; more come at once only where nobody reads them one by one."""


@dataclass(frozen=True, slots=True)
class Arriving:
    """Images that are coming: not in the queue yet.

    words : what lacks, and what is waited for; until : when it is taken as it is if nothing more comes, seconds
    since 1970; None where that cannot be told
    """

    path: str
    name: str
    n_images: int
    words: str
    until: float | None

    def facts(self) -> dict[str, Any]:
        """All of it for JSON, as for the sweeps of the queue."""
        return asdict(self) | {"state": "arriving"}


class Presence:
    """The programs at work on a queue, in its file."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._db, self._clock = db, clock

    def attend(self, program: str, watches: Sequence[str]) -> None:
        """A program is there, still."""
        self._db.execute(
            "INSERT OR REPLACE INTO programs VALUES (?, ?, ?)", (program, json.dumps(list(watches)), self._clock())
        )

    def beat(self, program: str, lease: float) -> None:
        """A program is alive, and so are the jobs that it has: for so many seconds more."""
        now = self._clock()
        self._db.execute("UPDATE programs SET beat_at = ? WHERE program = ?", (now, program))
        self._db.execute(
            "UPDATE jobs SET lease_until = ? WHERE state = 'running' AND worker = ?", (now + lease, program)
        )

    def leave(self, program: str) -> None:
        """A program goes, and nobody sees what it saw come."""
        self._db.execute("DELETE FROM arriving WHERE program = ?", (program,))
        self._db.execute("DELETE FROM programs WHERE program = ?", (program,))

    def show(self, program: str, arriving: Sequence[Arriving]) -> None:
        """What a program sees coming, in place of what it saw before; what dead ones saw is removed."""
        dead = [known for known, _, _ in self._programs() if is_dead(known)]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for gone in dead:
                self.leave(gone)
            self._db.execute("DELETE FROM arriving WHERE program = ?", (program,))
            self._db.executemany(
                "INSERT INTO arriving VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (program, sql_text(a.path), sql_text(a.name), a.n_images, sql_text(a.words), a.until)
                    for a in arriving[:MOST_ARRIVING]
                ],
            )
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _programs(self) -> list[tuple[str, str, float]]:
        return [tuple(row) for row in self._db.execute("SELECT program, watches, beat_at FROM programs")]

    def _alive(self) -> dict[str, list[str]]:
        now = self._clock()
        return {
            program: json.loads(watches)
            for program, watches, beat_at in self._programs()
            if not is_dead(program) and (is_here(program) or now - beat_at < SILENCE)
        }

    @property
    def is_attended(self) -> bool:
        """A program works on the queue now."""
        return bool(self._alive())

    def watched(self) -> list[str]:
        """The directories that are watched now."""
        return sorted({path for paths in self._alive().values() for path in paths})

    def arriving(self) -> list[Arriving]:
        """What programs that live see coming; of two that see the same, what one says."""
        alive = self._alive()
        rows = self._db.execute("SELECT program, path, name, n_images, words, until FROM arriving ORDER BY rowid")
        seen = {}
        for program, path, name, n_images, words, until in rows:
            if program in alive:
                seen[path] = Arriving(sql_read(path), sql_read(name), n_images, sql_read(words), until)
        return list(seen.values())
