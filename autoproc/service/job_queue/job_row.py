"""A sweep's row in the queue's file: written of what was found, and read whatever has become of it since."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from autoproc.service.job_queue.job import Job, JobState, sql_read, sql_text
from autoproc.service.sweeps.found_sweep import FoundSweep

TEXTS = ("name", "path", "visit", "partial", "error", "hint", "progress")
"""Columns in which names of files may stand, which are bytes where they are no UTF-8."""
LATEST = 2e11
"""Seconds since 1970 of the last time that is one: dates have years of four digits."""
JSON = ("base", "settings", "parameters", "result", "story")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and abs(value) <= LATEST


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_settings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(inner, dict) for inner in value.values())


def _is_cell(value: object) -> bool:
    return isinstance(value, list) and len(value) == 6 and all(map(_is_number, value))


def _is_result(value: object) -> bool:
    return isinstance(value, dict)


def _are_changes(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _are_runs(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_whole, value.values()))


def _are_doubts(value: object) -> bool:
    keys = ("name", "verdict", "says", "lacks")
    return isinstance(value, list) and all(
        isinstance(one, dict) and all(_is_text(one.get(key)) for key in keys) for one in value
    )


def _are_reasons(value: object) -> bool:
    """Of the data sets of each sweep that are not in a group's result."""
    return isinstance(value, dict) and all(map(_are_changes, value.values()))


def _is_standing(value: object) -> bool:
    """How a sweep stands in its group (reports/in_group.py)."""
    if not isinstance(value, dict) or not _are_texts(value.get("settled")):
        return False
    return all(_is_text(value.get(key)) for key in ("name", "words", "verdict"))


def _is_story(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and _is_time(one.get("at")) and _is_text(one.get("event")) for one in value
    )


Kinds: TypeAlias = Mapping[str, tuple[Callable[[object], bool], object]]
"""Of each part what it has to be, and what stands for it where it is damaged. None is for parts that may be missing."""
ROW: Kinds = {
    **dict.fromkeys(("id", "n_images", "attempts", "crashes", "run", "retryable"), (_is_whole, 0)),
    **dict.fromkeys(("first_image", "last_image"), (_is_whole, None)),
    **dict.fromkeys(("fingerprint", "name", "path", "kind"), (_is_text, "")),
    **dict.fromkeys(("partial", "visit", "worker", "error", "hint", "progress"), (_is_text, None)),
    **dict.fromkeys(("executor", "handle"), (_is_text, None)),
    **dict.fromkeys(("not_before", "found_at", "completed_at"), (_is_time, 0.0)),
    **dict.fromkeys(("lease_until", "asked_at", "started_at", "finished_at"), (_is_time, None)),
    "priority": (_is_number, 0.0), "state": (frozenset(JobState).__contains__, JobState.set_aside),
    "base": (_are_settings, None), "settings": (_are_settings, None), "parameters": (_are_changes, None),
    "result": (_is_result, None), "story": (_is_story, None),
}  # fmt: skip
"""The columns, JSON unpacked; schema.sql says what each is."""
RESULT: Kinds = {
    **dict.fromkeys(("status", "error", "error_stage", "hint", "lost", "verdict", "space_group"), (_is_text, None)),
    **dict.fromkeys(("n_lattices", "n_images", "n_images_used", "n_spots", "n_without_beam"), (_is_whole, None)),
    **dict.fromkeys(("d_min", "completeness", "multiplicity", "i_over_sigma", "isa"), (_is_number, None)),
    **dict.fromkeys(("r_meas", "r_meas_inner", "r_pim", "cc_half", "cc_anom", "cc_anom_inner"), (_is_number, None)),
    **dict.fromkeys(("warnings", "look_at", "alternatives", "suffer", "left_out"), (_are_texts, None)),
    "doubts": (_are_doubts, None), "aside": (_are_reasons, None), "group": (_is_standing, None),
    "retryable": (lambda value: isinstance(value, bool), None), "members": (_are_runs, None),
    "unit_cell": (_is_cell, None), "visit_files": (_are_changes, None), "visit_results": (_is_text, None),
}  # fmt: skip
"""What the queue keeps of a summary (results/brief.py), as JSON."""


def columns_of(sweep: FoundSweep) -> dict[str, Any]:
    """The columns that say what was found, as SQLite takes them."""
    first, last = sweep.image_range or (None, None)
    return {
        "path": sql_text(str(sweep.path)), "kind": sweep.kind, "first_image": first, "last_image": last,
        "n_images": sweep.n_images, "partial": sql_text(sweep.reason if sweep.state == "partial" else ""),
        "visit": sql_text(str(sweep.visit)), "completed_at": sweep.completed_at,
    }  # fmt: skip


def job_of(row: sqlite3.Row) -> Job:
    """The job of a row. Where a part of it cannot be understood it stands empty, and is named in `damaged`."""
    told = dict(row)
    unread = [column for column in JSON if not _is_unpacked(told, column)]
    told |= {column: sql_read(told[column]) for column in TEXTS if isinstance(told[column], bytes)}
    columns, damaged = _sound(told, ROW)
    result, damaged_result = _sound(columns["result"] or {}, RESULT)
    first, last = columns.pop("first_image"), columns.pop("last_image")
    return Job(
        **columns
        | {
            "image_range": None if first is None or last is None else (first, last),
            "state": JobState(columns["state"]),
            **{column: columns[column] or "" for column in ("partial", "visit", "error", "hint", "progress")},
            "parameters": columns["parameters"] or {},
            "retryable": bool(columns["retryable"]),
            "result": result,
            "story": tuple(columns["story"] or ()),
            "damaged": (*unread, *damaged, *(f"result.{part}" for part in damaged_result)),
        }
    )


def _sound(told: Mapping[str, Any], kinds: Kinds) -> tuple[dict[str, Any], list[str]]:
    """What is told, with what stands for damaged parts; and the names of these."""
    damaged = [
        part
        for part, value in told.items()
        if (kind := kinds.get(part)) and not (value is None and kind[1] is None) and not kind[0](value)
    ]
    return dict(told) | {part: kinds[part][1] for part in damaged}, damaged


def _is_unpacked(told: dict[str, Any], column: str) -> bool:
    """JSON is put in its column's place; None where there is none, or none that can be read."""
    text, told[column] = told[column], None
    if not text:
        return True
    try:
        told[column] = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
