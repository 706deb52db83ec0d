"""The queue: every sweep once, in a file that several programs may use at a time and that outlives them all.

Each change is one transaction. An attempt is known by its number (`run`): who has lost a sweep to
somebody else, by cancelling or because its lease ran out, can no longer change it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autoproc.errors import InputError
from autoproc.service.job_queue.changes import Changes
from autoproc.service.job_queue.chosen import Chosen
from autoproc.service.job_queue.job import TO_START_ANEW, Job, JobState, sql_read, sql_text
from autoproc.service.job_queue.job_row import columns_of, job_of
from autoproc.service.job_queue.membership import Membership
from autoproc.service.job_queue.overview import Overview
from autoproc.service.job_queue.placements import Placements
from autoproc.service.job_queue.priorities import Priorities
from autoproc.service.job_queue.programs_at_work import ProgramsAtWork
from autoproc.service.job_queue.queue_sql import ANEW, BY_HAND, CLAIM, MINE, PUT_AWAY, TO_QUEUE
from autoproc.service.job_queue.queue_tables import PATIENCE, FileInPlace, opened, renewed
from autoproc.service.job_queue.shown_part import IsShown, show_part
from autoproc.service.processes.stillness import Stillness
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.sweeps.sample_groups import SweepPlace
from autoproc.service.sweeps.sweep_names import folder_name, free_name, group_folder, printable


class UnknownSweep(InputError):
    """A name that no sweep of the queue has."""

    what = "there is no sweep {name}"
    hint = "{suggestion}"


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of a sweep that was found.

    outcome : "new"; "known" and nothing to do; "extended" by images since; "again" because it was asked for
    """

    job_id: int
    outcome: Literal["new", "known", "extended", "again"]


class JobQueue:
    """The queue in a SQLite file.

    clock : seconds since 1970, to be written; steady : seconds that no setting of the clock changes, to tell who is
    silent, for programs on other machines have clocks of their own
    patience : seconds to wait for another program's transaction, after which sqlite3.OperationalError is raised
    """

    def __init__(
        self,
        path: Path | str,
        journal: str = "wal",
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self.path = path
        self._clock = clock
        self._leases = Stillness(steady)
        self._db = opened(path, journal, patience)
        self._file = FileInPlace(path)
        self.programs = ProgramsAtWork(self._db, clock, steady)
        self.overview = Overview(self._db)
        self.changes = Changes(self._db)
        self.chosen = Chosen(self._db, clock)
        self.membership = Membership(self._db, clock)
        self.priorities = Priorities(self._db)
        self.placements = Placements(self._db, clock)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def wait_at_most(self, seconds: float) -> None:
        """From now on wait no longer than this for another program's transaction."""
        self._db.execute(f"PRAGMA busy_timeout = {int(1000 * max(seconds, 0.0))}")

    def show_only(self, is_shown: IsShown) -> None:
        """From now on show only sweeps for which this is so, and change nothing."""
        show_part(self._db, is_shown)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._db.in_transaction:  # of several changes together
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has ended it itself on a full disk
                self._db.execute("ROLLBACK")
            raise

    def together(self) -> AbstractContextManager[None]:
        """Several changes as one: all of them are on the disk at its end, or none."""
        return self._transaction()

    def require_file(self) -> None:
        """Raises QueueGone where the file is not in its place any more: what is written to it now, nobody finds.

        Raises OSError while the disk that it is on is away: it may come back, as a file server does that is silent.
        """
        self._file.require()

    def _one(self, where: str, **values: Any) -> Job | None:
        row = self._db.execute(f"SELECT * FROM jobs WHERE {where}", values).fetchone()
        return None if row is None else job_of(row)

    def _update(self, changes: str, where: str, **values: Any) -> bool:
        """Change rows; returns whether there were any."""
        return self._db.execute(f"UPDATE jobs SET {changes} WHERE {where}", values).rowcount > 0

    def _tell(self, event: str, **facts: Any) -> str:
        """An entry of the story."""
        return json.dumps({"at": round(self._clock(), 3), "event": event} | facts)

    # What is there

    def rows(self) -> list[Job]:
        """Every job, in the order of arrival."""
        return [job_of(row) for row in self._db.execute("SELECT * FROM jobs ORDER BY id")]

    def job(self, job_id: int) -> Job:
        """The job of a number."""
        job = self._one("id = :id", id=job_id)
        assert job is not None
        return job

    def by_fingerprint(self, fingerprint: str) -> Job | None:
        """The job of these images."""
        return self._one("fingerprint = :fingerprint", fingerprint=fingerprint)

    def by_name(self, name: str) -> Job | None:
        """The job with this folder of results."""
        return self._one("name = :name", name=name)

    def by_path(self, path: str) -> list[Job]:
        """The jobs of a template or master file."""
        rows = self._db.execute("SELECT * FROM jobs WHERE path = ? ORDER BY id", (sql_text(path),))
        return [job_of(row) for row in rows]

    def places(self) -> list[tuple[SweepPlace, JobState]]:
        """Every sweep's place and state, without what was found of it."""
        columns, where = "name, path, run, n_images, visit, state", "state != 'listed' AND kind != 'combined'"
        rows = self._db.execute(f"SELECT {columns} FROM jobs WHERE {where} ORDER BY id")
        return [
            (SweepPlace(name, sql_read(path), run, n, sql_read(visit or "")), JobState(state))
            for name, path, run, n, visit, state in rows
        ]

    def failed_with_spots(self, most: int) -> frozenset[str]:
        """Names of the sweeps that failed after spots had been found on them, `most` at most."""
        n_spots = "json_extract(result, '$.n_spots')"
        query = f"SELECT name FROM jobs WHERE state = 'failed' AND kind != 'combined' AND {n_spots} BETWEEN 1 AND ?"
        return frozenset(name for (name,) in self._db.execute(query, (most,)))

    def n_in(self, state: JobState) -> int:
        """How many jobs are in a state."""
        return int(self._db.execute("SELECT count(*) FROM jobs WHERE state = ?", (state,)).fetchone()[0])

    def n_unsettled(self, ids: Collection[int]) -> int:
        """How many of some jobs are waiting or under way."""
        where = "state IN ('queued', 'running') AND id IN (SELECT value FROM json_each(?))"
        return int(self._db.execute(f"SELECT count(*) FROM jobs WHERE {where}", (json.dumps(list(ids)),)).fetchone()[0])

    def interrupted(self) -> frozenset[int]:
        """The jobs under way on which nobody works any more, as their program is gone; not those that outlast it."""
        rows = self._db.execute("SELECT id, worker FROM jobs WHERE state = 'running' AND handle IS NULL").fetchall()
        return frozenset(number for number, worker in rows if self.programs.is_gone(worker or ""))

    # What is found

    def add(
        self,
        sweep: FoundSweep,
        *,
        base: Mapping[str, Any] | None = None,
        again: bool = False,
        in_place_of: int | None = None,
        keep_changes: bool = False,
    ) -> AddResult:
        """Take a sweep in. One that is known is left alone unless it has more images, or is to be processed again.

        base : settings to process it with; None takes those of the program that does
        keep_changes : what `autoproc reprocess` has changed stands, on top of those
        in_place_of : job whose images these have replaced, and whose results its own will
        """
        with self._transaction():
            known = self.by_fingerprint(sweep.fingerprint)
            if known is None and in_place_of is not None:
                self._update("fingerprint = :f", "id = :id", f=sweep.fingerprint, id=in_place_of)
                known = self.job(in_place_of)
            if known is None:
                self._has_arrived(sweep.path)
                return AddResult(self._insert(sweep, JobState.queued, base), "new")
            self._has_arrived(sweep.path)
            extended = sweep.n_images > known.n_images
            if not (extended or again or known.state is JobState.listed):
                return AddResult(known.id, "known")
            if known.state is JobState.cancelled and in_place_of is None and not again:
                self._note(known, sweep)  # for whoever has it tried again; by itself it does not come back
                return AddResult(known.id, "known")
            self._take_again(known, sweep, base, again, keep_changes)
            return AddResult(known.id, "extended" if extended else "again")

    def _has_arrived(self, path: Path) -> None:
        """What is in the queue is seen there, and no longer as coming."""
        self._db.execute("DELETE FROM arriving WHERE path = ?", (sql_text(str(path)),))

    def _insert(self, sweep: FoundSweep, state: JobState, base: Mapping[str, Any] | None) -> int:
        form = printable if state is JobState.listed else group_folder if sweep.kind == "combined" else folder_name
        columns = columns_of(sweep) | {
            "fingerprint": sweep.fingerprint,
            "name": free_name(form, sweep.name, Path(sweep.path).parent, self._folder_of),
            "state": state,
            "found_at": self._clock(),
            "asked_at": None if base is None else self._clock(),
            "base": None if base is None else json.dumps(base),
        }
        names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        added = self._db.execute(f"INSERT INTO jobs ({names}) VALUES ({places})", columns)
        assert added.lastrowid is not None
        return added.lastrowid

    def _note(self, known: Job, sweep: FoundSweep) -> None:
        """New facts of a known sweep, and nothing else."""
        columns = columns_of(sweep)
        self._update(", ".join(f"{name} = :{name}" for name in columns), "id = :id", **columns, id=known.id)

    def _take_again(
        self, known: Job, sweep: FoundSweep, base: Mapping[str, Any] | None, again: bool, keep_changes: bool
    ) -> None:
        """New facts of a known sweep. If it is under way, it is begun anew when that attempt is over."""
        columns = columns_of(sweep)
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        if base is not None:
            changes += ", base = :base" if keep_changes else ", base = :base, parameters = '{}'"
        if known.state is not JobState.running or again:
            changes += f", {ANEW}"
        if again:
            changes += f", priority = {BY_HAND}, asked_at = :now"
        values: dict[str, Any] = columns | {"base": json.dumps(base), "id": known.id, "now": self._clock()}
        self._update(changes, "id = :id", **values)

    def _folder_of(self, name: str) -> Path | None:
        """The folder of the images of the sweep of a name; None where no sweep has it."""
        job = self.by_name(name)
        return None if job is None else Path(job.path).parent

    def list_images(self, images: ListedImages) -> None:
        """Remember images that are no sweep, so that the status shows them."""
        path = str(images.path)
        with self._transaction():
            if self._one("path = :path", path=sql_text(path)) is not None:
                self._update("n_images = :n", "path = :p AND state = 'listed'", n=images.n_images, p=sql_text(path))
                return
            stem = f"{Path(path).parent.name}/{Path(path).name}"
            sweep = FoundSweep(Path(path), "cbf", None, images.n_images, f"{images.what}:{printable(path)}", "partial",
                               images.reason, stem, "", self._clock())  # fmt: skip
            job_id = self._insert(sweep, JobState.listed, None)
            self._update("kind = :what", "id = :id", what=images.what, id=job_id)

    # What is done

    def claim(
        self, worker: str, lease: float, only: Collection[int] | None = None, newest_visit: bool = True
    ) -> Job | None:
        """Take the next job, in one statement; None if there is none to begin now. Damaged ones are set aside.

        lease : seconds of silence after which it is given to another; only : numbers to choose from
        """
        now = self._clock()
        numbers = None if only is None else json.dumps(list(only))
        values = {"worker": worker, "lease": now + lease, "now": now, "only": numbers, "newest_visit": newest_visit}
        while rows := self._db.execute(CLAIM, values).fetchall():
            job = job_of(rows[0])
            if job.is_workable:
                return job
            self._update(PUT_AWAY, MINE, now=now, error=job.damage, hint=TO_START_ANEW, id=job.id, run=job.run)
        return None

    def heartbeat(self, job: Job, lease: float, progress: str = "") -> bool:
        """Keep a job; False if it is no longer this attempt's."""
        return self._update(
            f"lease_until = {renewed('lease_until', ':lease')}, progress = :progress", MINE,
            lease=self._clock() + lease, progress=sql_text(progress), id=job.id, run=job.run,
        )  # fmt: skip

    def finish(self, job: Job, state: JobState, result: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
        """The job has its result, processed or failed. If images came meanwhile, it is queued again."""
        return self._update(
            "state = CASE WHEN n_images > :n_images THEN 'queued' ELSE :state END, worker = NULL, lease_until = NULL,"
            " progress = NULL, attempts = CASE WHEN n_images > :n_images THEN 0 ELSE attempts END, priority = 0,"
            " finished_at = :now, result = :result, settings = :settings, error = :error, hint = :hint,"
            " retryable = :retryable, story = json_insert(story, '$[#]', json(:event))",
            MINE,
            n_images=job.n_images, state=state, now=self._clock(), result=json.dumps(result),
            settings=json.dumps(settings), error=sql_text(result.get("error")), hint=sql_text(result.get("hint")),
            retryable=bool(result.get("retryable")), event=self._tell(state, error=result.get("error")),
            id=job.id, run=job.run,
        )  # fmt: skip

    def release(self, job: Job, because: str, delay: float = 0.0, *, counted: bool = True) -> bool:
        """Give a job back, to be begun again after a delay; an attempt that is not counted never was."""
        return self._update(
            f"{TO_QUEUE}, not_before = :later, attempts = attempts - :uncounted, error = :because,"
            f" story = json_insert(story, '$[#]', json(:event))",
            MINE,
            later=self._clock() + delay if delay else 0.0, uncounted=int(not counted), because=sql_text(because),
            event=self._tell("put back", because=because), id=job.id, run=job.run,
        )  # fmt: skip

    def crashed(self, job: Job, because: str, hint: str, max_crashes: int) -> JobState | None:
        """The job's worker is dead: it is tried again, or set aside. Returns which; None if it is not ours."""
        state = JobState.set_aside if job.crashes + 1 >= max_crashes else JobState.queued
        changed = self._update(
            f"{TO_QUEUE}, state = :state, crashes = crashes + 1, error = :because, hint = :hint, priority = 0,"
            f" finished_at = CASE WHEN :state = 'set_aside' THEN :now END,"
            f" story = json_insert(story, '$[#]', json(:event))",
            MINE,
            state=state, because=sql_text(because), hint=sql_text(hint), now=self._clock(),
            event=self._tell("crashed", because=because), id=job.id, run=job.run,
        )  # fmt: skip
        return state if changed else None

    def adopt(
        self, job_id: int, run: int, worker: str, lease: float, is_abandoned: Callable[[Job], bool]
    ) -> Job | None:
        """Take over an attempt whose program is gone, to finish what it has left; None if it is not."""
        with self._transaction():
            job = self._one(MINE, id=job_id, run=run)
            if job is None or not self._is_orphan(job, lease, is_abandoned):
                return None
            self._update("worker = :w, lease_until = :l", "id = :id", w=worker, l=self._clock() + lease, id=job_id)
            return self.job(job_id)

    def _is_orphan(self, job: Job, lease: float, is_abandoned: Callable[[Job], bool]) -> bool:
        """Its program is gone, or its lease has not been renewed for so long while we have looked."""
        still = self._leases.seconds((job.id, job.run), job.lease_until)
        return is_abandoned(job) or still > lease

    def expire(self, is_abandoned: Callable[[Job], bool], lease: float) -> list[Job]:
        """Put back the jobs whose program is gone; returns them. It is not their fault: no attempt is counted.

        lease : seconds for which a program may be silent
        """
        running = [job_of(row) for row in self._db.execute("SELECT * FROM jobs WHERE state = 'running'")]
        self._leases.keep({(job.id, job.run) for job in running})
        orphans = [job for job in running if self._is_orphan(job, lease, is_abandoned)]
        return [job for job in orphans if self.release(job, "its program was stopped", counted=False)]

    # What is asked for

    def cancel(self, name: str) -> Job:
        """Do not process a sweep; if it is under way, its worker is stopped."""
        job = self.named(name)
        if job.state in (JobState.queued, JobState.running):
            self._update(f"{TO_QUEUE}, state = 'cancelled'", "id = :id AND state = :state", id=job.id, state=job.state)
        return self.job(job.id)

    def retry(self, name: str) -> Job:
        """Try a sweep again that failed, was cancelled or set aside."""
        job = self.named(name)
        if job.state in (
            JobState.failed,
            JobState.cancelled,
            JobState.set_aside,
            JobState.queued,
            JobState.not_combined,
        ):
            changes = f"{ANEW}, priority = {BY_HAND}, asked_at = :now"
            self._update(changes, "id = :id AND state = :state", id=job.id, state=job.state, now=self._clock())
        return self.job(job.id)

    def reprocess(self, name: str, changes: Mapping[str, str]) -> Job:
        """Process a sweep again, with other parameters; if it is under way, its worker is stopped."""
        job = self.named(name)
        self._update(
            f"{ANEW}, priority = {BY_HAND}, parameters = :parameters, asked_at = :now",
            "id = :id AND state != 'listed'",
            id=job.id, parameters=json.dumps(job.parameters | dict(changes)), now=self._clock(),
        )  # fmt: skip
        return self.job(job.id)

    def named(self, name: str) -> Job:
        """The job of a sweep. Raises UnknownSweep with the nearest names."""
        job = self.by_name(name)
        if job is not None:
            return job
        like = "SELECT name FROM jobs WHERE instr(lower(name), lower(?)) ORDER BY id LIMIT 3"
        near = [row[0] for row in self._db.execute(like, (sql_text(name),))]
        suggestion = f"did you mean {' or '.join(near)}?" if near else "`autoproc status` shows them all"
        raise UnknownSweep(name=name, suggestion=suggestion)
