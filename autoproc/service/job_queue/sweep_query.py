"""Which sweeps of a queue somebody wants to see, and in what order: asked in SQL, page by page.

The queue's rows are long: settings, story, results. What lists are sorted and searched by is copied into a table in
memory, which belongs to the connection and is brought up to date by the queue's changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoproc.legible import natural_key
from autoproc.service.job_queue.changes import Changes
from autoproc.service.job_queue.job import INTERRUPTED, Job, sql_read
from autoproc.service.job_queue.job_row import job_of

FIGURES = (
    "d_min", "completeness", "multiplicity", "r_meas", "r_meas_inner", "r_pim", "cc_half", "i_over_sigma", "n_lattices",
    "isa", "cc_anom_inner",
)  # fmt: skip
"""Of results, by which can be sorted."""
OF_RESULT = ("verdict", "space_group", *FIGURES)
FOLDER = "rtrim(rtrim(path, replace(path, '/', '')), '/')"
"""The folder of a sweep's images: the path without the letters behind its last slash."""


def of_result(key: str) -> str:
    """SQL for a part of a job's result; NULL where the result is no JSON."""
    return f"CASE WHEN json_valid(result) THEN json_extract(result, '$.{key}') END"


VERDICT = f"COALESCE({of_result('group.verdict')}, {of_result('verdict')})"
"""SQL for what the checks of a job came to, but for what its group has settled."""
COLUMNS: Mapping[str, str] = {
    "id": "id", "name": "name", "folder": FOLDER, "visit": "visit", "state": "state", "n_images": "n_images",
    "latest": "COALESCE(finished_at, started_at, found_at)",
    "words": f"lower(name || char(10) || path || char(10) || COALESCE({of_result('space_group')}, ''))",
    **{
        name: f"CASE WHEN state = 'processed' THEN {VERDICT if name == 'verdict' else of_result(name)} END"
        for name in OF_RESULT
    },
}  # fmt: skip
"""Of the table in memory, and where they are taken from."""
KEYS: Mapping[str, str] = {"name_key": "in_order(name)", "place": "in_order(CAST(folder AS BLOB))"}
"""Columns by which names stand in their natural order, filled when somebody first sorts by them: they are most of the
work of a list that has just been opened."""
TABLE = f"""
CREATE TEMP TABLE listed (id INTEGER PRIMARY KEY, {", ".join([*(name for name in COLUMNS if name != "id"), *KEYS])});
"""
COPY = (
    f"INSERT OR REPLACE INTO listed ({', '.join(COLUMNS)}) "
    f"SELECT {', '.join(COLUMNS.values())} FROM jobs WHERE state != 'listed'"
)
CHANGED_SINCE = "SELECT DISTINCT job_id FROM changes WHERE number > ?"
OF_THESE = "id IN (SELECT value FROM json_each(?))"
AGAIN = f"{COPY} AND {OF_THESE}"
NO_LONGER = f"DELETE FROM listed WHERE {OF_THESE} AND id IN (SELECT id FROM jobs WHERE state = 'listed')"
TALLY = "SELECT state, COALESCE(verdict, ''), count(*) FROM listed"
LONG = ("base", "settings", "story")
"""Columns of a sweep that no list shows, and that are most of it."""
ORDERS: Mapping[str, str] = {
    "latest": "latest + 1e11 * (state = 'running')", "arrival": "id", "name": "name_key", "state": "state",
    "verdict": "CASE verdict WHEN 'bad' THEN 0 WHEN 'look' THEN 1 WHEN 'good' THEN 2 END",
    "space_group": "space_group", "n_images": "n_images", **{figure: figure for figure in FIGURES},
}  # fmt: skip
"""What sweeps can be sorted by, as SQL has it; those without come last. Of the latest, those under way come first."""


@dataclass(frozen=True, slots=True)
class SweepQuery:
    """What is wanted.

    text : part of a name, a path or a space group; states, verdicts : of which one has to be the sweep's, any without
    visit : the directory watched; folder : of the images, with those below it; order : of ORDERS
    by_folder : sweeps of one folder stand together, folders by name; first, most : the stretch of the list
    interrupted : numbers of the sweeps under way on which nobody works, which are in the state of that name
    """

    text: str = ""
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    visit: str | None = None
    folder: str | None = None
    order: str = "latest"
    is_descending: bool = True
    by_folder: bool = False
    interrupted: tuple[int, ...] = ()
    first: int = 0
    most: int = 200


@dataclass(frozen=True, slots=True)
class FoundSweeps:
    """A stretch of the sweeps that were asked for, without settings and story, and how many there are in all."""

    jobs: list[Job]
    n_found: int


@dataclass(slots=True)
class _Condition:
    terms: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def one_of(self, expression: str, name: str, wanted: tuple[str, ...]) -> None:
        """The expression is one of what is wanted; anything, where nothing is."""
        if wanted:
            keys = [f"{name}{n}" for n in range(len(wanted))]
            self.terms.append(f"{expression} IN ({', '.join(f':{key}' for key in keys)})")
            self.values |= dict(zip(keys, wanted, strict=True))

    @property
    def sql(self) -> str:
        """All of it."""
        return f" WHERE {' AND '.join(self.terms)}" if self.terms else ""


class SweepList:
    """The sweeps of a queue as lists have them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self._changes = db, Changes(db)
        self._seen: int | None = None
        self._tally: Counter[tuple[str, str]] = Counter()

    def find(self, query: SweepQuery) -> FoundSweeps:
        """The sweeps that somebody wants to see. Raises KeyError for an order that there is not."""
        self._bring_up_to_date()
        self._fill_keys([*["place"] * query.by_folder, *["name_key"] * (query.order == "name")])
        condition = _condition(query)
        way = "DESC" if query.is_descending else "ASC"
        order = f"{'place, folder, ' * query.by_folder}{ORDERS[query.order]} {way} NULLS LAST, id {way}"
        chosen = f"SELECT id FROM listed{condition.sql} ORDER BY {order}"
        found = [row[0] for row in self._db.execute(chosen, condition.values)]
        return FoundSweeps(self.numbered(found[query.first : query.first + query.most]), len(found))

    def tally(self) -> dict[tuple[str, str], int]:
        """How many sweeps there are of each state and verdict ("" without one)."""
        self._bring_up_to_date()
        return dict(self._tally)

    def numbered(self, ids: Sequence[int]) -> list[Job]:
        """The sweeps of these numbers, without settings and story; fewer where one is not there any more."""
        names = [row["name"] for row in self._db.execute("PRAGMA table_info(jobs)")]
        columns = ", ".join(f"NULL AS {name}" if name in LONG else name for name in names)
        chosen = f"SELECT {columns} FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
        rows = self._db.execute(chosen, (json.dumps(list(ids)),))
        jobs = {row["id"]: job_of(row) for row in rows}
        return [jobs[number] for number in ids if number in jobs]  # one may have been taken away meanwhile

    def _bring_up_to_date(self) -> None:
        latest = self._changes.latest
        if self._seen is None:
            self._db.create_function("in_order", 1, _in_order, deterministic=True)
            self._db.execute("PRAGMA temp_store = MEMORY")
            self._db.executescript(TABLE)
            self._db.execute(COPY)
            self._tally = self._counted()
        elif self._seen < latest:
            self._bring_again(json.dumps([row[0] for row in self._db.execute(CHANGED_SINCE, (self._seen,))]))
        self._seen = latest

    def _bring_again(self, ids: str) -> None:
        """Sweeps of these numbers (JSON) as they are now; the tally is changed by theirs, not counted anew."""
        self._tally.subtract(self._counted(ids))
        self._db.execute(AGAIN, (ids,))
        self._db.execute(NO_LONGER, (ids,))
        self._tally.update(self._counted(ids))
        self._tally = +self._tally

    def _counted(self, ids: str | None = None) -> Counter[tuple[str, str]]:
        """The tally of sweeps of these numbers (JSON), or of all."""
        some, values = ("", ()) if ids is None else (f" WHERE {OF_THESE}", (ids,))
        rows = self._db.execute(f"{TALLY}{some} GROUP BY 1, 2", values)
        return Counter({(state, str(verdict)): n for state, verdict, n in rows})

    def _fill_keys(self, names: Sequence[str]) -> None:
        """What the sweeps are about to be sorted by is there."""
        for name in names:
            self._db.execute(f"UPDATE listed SET {name} = {KEYS[name]} WHERE {name} IS NULL")


def _in_order(name: str | bytes) -> bytes:
    """Names that are no UTF-8 stand among the others."""
    return natural_key(sql_read(name)).encode("utf-8", "surrogateescape")


def _condition(query: SweepQuery) -> _Condition:
    condition = _Condition()
    if query.text:
        condition.terms.append("instr(words, lower(:text))")
        condition.values["text"] = query.text
    if query.states:
        gone = ", ".join(map(str, query.interrupted))  # numbers
        condition.one_of(f"CASE WHEN id IN ({gone}) THEN '{INTERRUPTED}' ELSE state END", "state", query.states)
    condition.one_of("verdict", "verdict", query.verdicts)
    if query.visit is not None:
        condition.terms.append("visit = :visit")
        condition.values["visit"] = query.visit
    if query.folder is not None:
        condition.terms.append("substr(folder || '/', 1, length(:folder)) = :folder")
        condition.values["folder"] = f"{query.folder.rstrip('/')}/"
    return condition
