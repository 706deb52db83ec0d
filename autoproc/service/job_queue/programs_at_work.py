"""Who is at work on a queue, and which sweeps it sees coming: for those who only look at the queue."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autoproc.service.job_queue.job import sql_read, sql_text
from autoproc.service.job_queue.queue_tables import renewed
from autoproc.service.processes.program import is_dead, is_here
from autoproc.service.processes.stillness import Stillness

LONGEST_INTERVAL = 5.0
"""Seconds between two beats of a program at most."""
SILENCE = 120.0
"""Seconds after which a program on another machine that says nothing is taken to be gone."""
LISTENING = 2.5 * LONGEST_INTERVAL
"""Seconds to listen for a program whose machine's clock says that it is silent: two of its beats, and some more."""
LOOK = 0.5
"""Seconds between two looks at who is heard meanwhile."""
NOT_HEARD = -1.0
"""When a program was last heard that was listened for in vain."""
MOST_ARRIVING = 200
"""Sweeps shown as arriving; of more, which nobody reads one by one, only the number is told."""


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


class ProgramsAtWork:
    """The programs at work on a queue, in its file."""

    def __init__(
        self, db: sqlite3.Connection, clock: Callable[[], float], steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._db, self._clock, self._steady = db, clock, steady
        self._beats = Stillness(steady)

    def attend(self, program: str, watches: Sequence[str]) -> None:
        """A program is there, still."""
        self._db.execute(
            "INSERT INTO programs (program, watches, beat_at) VALUES (?, ?, ?) ON CONFLICT (program) DO UPDATE SET"
            f" watches = excluded.watches, beat_at = {renewed('beat_at', 'excluded.beat_at')}",
            (program, json.dumps(list(watches)), self._clock()),
        )

    def beat(self, program: str, lease: float) -> None:
        """A program is alive, and so are the jobs that it has: for so many seconds more."""
        now = self._clock()
        self._db.execute(
            f"UPDATE programs SET beat_at = {renewed('beat_at', ':now')} WHERE program = :program",
            {"now": now, "program": program},
        )
        self._db.execute(
            f"UPDATE jobs SET lease_until = {renewed('lease_until', ':lease')}"
            " WHERE state = 'running' AND worker = :program",
            {"lease": now + lease, "program": program},
        )

    def leave(self, program: str) -> None:
        """A program goes, and nobody sees what it saw come."""
        self._db.execute("DELETE FROM arriving WHERE program = ?", (program,))
        self._db.execute("DELETE FROM programs WHERE program = ?", (program,))

    def show(self, program: str, arriving: Sequence[Arriving], n_arriving: int = 0) -> None:
        """What a program sees coming, in place of what it saw before; what dead ones saw is removed.

        n_arriving : how many those are, where `arriving` are not all
        """
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
            n_more = max(n_arriving, len(arriving)) - min(len(arriving), MOST_ARRIVING)
            self._db.execute("UPDATE programs SET n_more = ? WHERE program = ?", (n_more, program))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _programs(self) -> list[tuple[str, str, float]]:
        """Of each: its name, the directories that it watches as JSON, and its last beat; odd rows are nobody's."""
        rows = self._db.execute("SELECT program, watches, beat_at FROM programs")
        return [(one, watches, float(beat)) for one, watches, beat in rows if isinstance(beat, int | float)]

    def _alive(self) -> dict[str, list[str]]:
        return {
            program: _directories(watches)
            for program, watches, beat_at in self._programs()
            if not is_dead(program) and (is_here(program) or not self._is_silent(program, beat_at))
        }

    def _is_silent(self, program: str, beat_at: float) -> bool:
        """A program on another machine has said nothing for long, or seems so by its clock and was not heard since."""
        if beat_at <= NOT_HEARD or self._beats.seconds(program, beat_at) > SILENCE:
            return True
        return not self._beats.has_moved(program) and abs(self._clock() - beat_at) > SILENCE

    def is_gone(self, program: str) -> bool:
        """A program that has jobs is dead, or silent on another machine; False where it cannot be known."""
        if is_dead(program) or is_here(program):
            return is_dead(program)
        return any(self._is_silent(known, beat_at) for known, _, beat_at in self._programs() if known == program)

    def listen(self, pause: Callable[[float], None] = time.sleep) -> None:
        """Wait for the next beat of programs on other machines that seem silent: their clocks may differ from ours.

        Those that are not heard are marked, so that nobody waits for them again.
        """
        deadline = self._steady() + LISTENING
        while (doubtful := self._doubtful()) and self._steady() < deadline:
            pause(LOOK)
        for program, beat_at in doubtful:
            self._db.execute(
                "UPDATE programs SET beat_at = ? WHERE program = ? AND beat_at = ?", (NOT_HEARD, program, beat_at)
            )

    def _doubtful(self) -> list[tuple[str, float]]:
        return [
            (program, beat_at)
            for program, _, beat_at in self._programs()
            if beat_at > NOT_HEARD and not is_here(program) and not is_dead(program)
            if self._is_silent(program, beat_at)
        ]

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
            is_odd = not isinstance(n_images, int) or not isinstance(until, float | int | None)
            if program in alive and not is_odd:
                seen[path] = Arriving(sql_read(path), sql_read(name), n_images, sql_read(words), until)
        return list(seen.values())

    @property
    def n_arriving(self) -> int:
        """How many those are, with those that are only counted; programs that watch the same see the same."""
        alive = self._alive()
        more: dict[str, int] = {}
        for program, watches, n_more in self._db.execute("SELECT program, watches, n_more FROM programs"):
            if program in alive and isinstance(n_more, int):
                more[watches] = max(more.get(watches, 0), n_more)
        return len(self.arriving()) + sum(more.values())


def _directories(watches: str) -> list[str]:
    """Those of a program's row; none where it is damaged."""
    try:
        told = json.loads(watches)
    except (ValueError, TypeError):
        return []
    return list(map(str, told)) if isinstance(told, list) else []
