"""A sweep's row in the queue's file: written of what was found, and read whatever has become of it since."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from typing import Annotated, Any

from pydantic import Field

from autoproc.service.found_sweep import FoundSweep
from autoproc.service.job_queue.job import Job, State, sql_read, sql_text
from autoproc.sound_facts import Described, sound_part

TEXTS = ("name", "path", "visit", "partial", "error", "hint", "progress")
"""Columns in which names of files may stand, which are bytes where they are no UTF-8."""
LATEST = 2e11
"""Seconds since 1970 of the last time that is one: dates have years of four digits."""
JSON = ("base", "settings", "parameters", "result", "story")


class KeptResult(Described):
    """What the queue keeps of a summary (processing/result.py), as JSON."""

    status: str | None = None
    error: str | None = None
    error_stage: str | None = None
    hint: str | None = None
    retryable: bool = False
    lost: str = ""
    members: dict[str, int] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    verdict: str | None = None
    look_at: list[str] = Field(default_factory=list)
    space_group: str | None = None
    unit_cell: list[float] | None = Field(None, min_length=6, max_length=6)
    n_lattices: int | None = None
    n_images: int | None = None
    n_images_used: int | None = None
    n_spots: int | None = None
    d_min: float | None = None
    completeness: float | None = None
    multiplicity: float | None = None
    i_over_sigma: float | None = None
    r_meas: float | None = None
    r_meas_inner: float | None = None
    r_pim: float | None = None
    cc_half: float | None = None
    cc_anom: float | None = None
    cc_anom_inner: float | None = None
    isa: float | None = None


Time = Annotated[float, Field(ge=-LATEST, le=LATEST)]


class Happened(Described):
    """An entry of a job's story."""

    at: Time
    event: str


class JobRow(Described):
    """The columns of a row, JSON unpacked; schema.sql says what each is."""

    id: int = 0
    fingerprint: str = ""
    name: str = ""
    path: str = ""
    kind: str = ""
    first_image: int | None = None
    last_image: int | None = None
    n_images: int = 0
    state: Annotated[State, Field(strict=False)] = State.set_aside
    partial: str | None = None
    visit: str | None = None
    priority: float = 0.0
    attempts: int = 0
    crashes: int = 0
    run: int = 0
    worker: str | None = None
    lease_until: Time | None = None
    not_before: Time = 0.0
    found_at: Time = 0.0
    completed_at: Time = 0.0
    asked_at: Time | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    base: dict[str, dict[str, Any]] | None = None
    parameters: dict[str, str] | None = None
    settings: dict[str, dict[str, Any]] | None = None
    error: str | None = None
    hint: str | None = None
    retryable: int = 0
    result: dict[str, Any] | None = None
    story: list[Happened] | None = None
    progress: str | None = None


def columns_of(sweep: FoundSweep) -> dict[str, Any]:
    """The columns that say what was found, as SQLite takes them."""
    first, last = sweep.image_range or (None, None)
    return {
        "path": sql_text(str(sweep.path)), "kind": sweep.kind, "first_image": first, "last_image": last,
        "n_images": sweep.n_images, "partial": sql_text(sweep.reason if sweep.state == "partial" else ""),
        "visit": sql_text(str(sweep.visit)), "completed_at": sweep.completed_at,
    }  # fmt: skip


NOTHING = JobRow().model_dump()


def job_of(row: sqlite3.Row) -> Job:
    """The job of a row. Where a part of it cannot be understood it stands empty, and is named in `damaged`."""
    told = dict(row)
    unread = [column for column in JSON if not _is_unpacked(told, column)]
    told |= {column: sql_read(told[column]) for column in TEXTS if isinstance(told[column], bytes)}
    sound, damaged = sound_part(JobRow, told)
    columns = NOTHING | sound
    result, damaged_result = sound_part(KeptResult, columns["result"] or {})
    first, last = columns.pop("first_image"), columns.pop("last_image")
    return Job(
        **columns
        | {
            "image_range": None if first is None or last is None else (first, last),
            "state": State(columns["state"]),
            **{column: columns[column] or "" for column in ("partial", "visit", "error", "hint", "progress")},
            "parameters": columns["parameters"] or {},
            "retryable": bool(columns["retryable"]),
            "result": result,
            "story": tuple(columns["story"] or ()),
            "damaged": (*unread, *damaged, *(f"result.{part}" for part in damaged_result)),
        }
    )


def _is_unpacked(told: dict[str, Any], column: str) -> bool:
    """JSON is put in its column's place; None where there is none, or none that can be read."""
    text, told[column] = told[column], None
    if text:
        with suppress(ValueError, TypeError, RecursionError):
            told[column] = json.loads(text)
            return True
    return not text
