"""Which sweeps of a queue somebody wants to see, and in what order: asked in SQL, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoproc.service.job import Job, job_of

FIGURES = (
    "d_min", "completeness", "multiplicity", "r_meas", "r_meas_inner", "r_pim", "cc_half", "i_over_sigma", "n_lattices",
)  # fmt: skip
"""Of results, by which can be sorted."""
ORDERS: Mapping[str, str] = {
    "latest": "COALESCE(finished_at, started_at, found_at)",
    "arrival": "id",
    "name": "name",
    "state": "state",
    "verdict": "json_extract(result, '$.verdict')",
    "space_group": "json_extract(result, '$.space_group')",
    "n_images": "n_images",
    **{figure: f"json_extract(result, '$.{figure}')" for figure in FIGURES},
}
"""What sweeps can be sorted by, as SQL has it; those without come last."""
TEXT = (
    "(name LIKE :text ESCAPE '\\' OR path LIKE :text ESCAPE '\\' OR json_extract(result, '$.space_group') LIKE :text)"
)


@dataclass(frozen=True, slots=True)
class SweepQuery:
    """What is wanted.

    text : part of a name, a path or a space group; states, verdicts : of which one has to be the sweep's, any without
    visit : the directory watched; order : of ORDERS; first, most : the stretch of the list
    """

    text: str = ""
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    visit: str | None = None
    order: str = "latest"
    is_descending: bool = True
    first: int = 0
    most: int = 200


@dataclass(frozen=True, slots=True)
class FoundSweeps:
    """A stretch of the sweeps that were asked for, and how many there are in all."""

    jobs: list[Job]
    n_found: int


@dataclass(slots=True)
class _Condition:
    terms: list[str] = field(default_factory=lambda: ["state != 'listed'"])
    values: dict[str, Any] = field(default_factory=dict)

    def one_of(self, expression: str, name: str, wanted: tuple[str, ...]) -> None:
        """The expression is one of what is wanted; anything, where nothing is."""
        if wanted:
            keys = [f"{name}{n}" for n in range(len(wanted))]
            self.terms.append(f"{expression} IN ({', '.join(f':{key}' for key in keys)})")
            self.values |= dict(zip(keys, wanted, strict=True))


def find_sweeps(db: sqlite3.Connection, query: SweepQuery) -> FoundSweeps:
    """The sweeps that somebody wants to see. Raises KeyError for an order that there is not."""
    condition = _Condition()
    if query.text:
        condition.terms.append(TEXT)
        condition.values["text"] = f"%{_escaped(query.text)}%"
    condition.one_of("state", "state", query.states)
    condition.one_of("json_extract(result, '$.verdict')", "verdict", query.verdicts)
    if query.visit is not None:
        condition.terms.append("visit = :visit")
        condition.values["visit"] = query.visit
    where = " AND ".join(condition.terms)
    n_found = db.execute(f"SELECT count(*) FROM jobs WHERE {where}", condition.values).fetchone()[0]
    by, way = ORDERS[query.order], "DESC" if query.is_descending else "ASC"
    chosen = f"SELECT id FROM jobs WHERE {where} ORDER BY {by} {way} NULLS LAST, id {way} LIMIT :most OFFSET :first"
    values = condition.values | {"most": query.most, "first": query.first}
    rows = db.execute(
        f"SELECT * FROM jobs WHERE id IN ({chosen}) ORDER BY {by} {way} NULLS LAST, id {way}", values
    ).fetchall()
    return FoundSweeps([job_of(row) for row in rows], n_found)


def _escaped(text: str) -> str:
    """Text for LIKE, in which % and _ are letters as others."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
