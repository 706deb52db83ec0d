"""A job: one sweep's row in the queue."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a sweep stands."""

    queued = "queued"
    running = "running"
    processed = "processed"
    failed = "failed"
    cancelled = "cancelled"
    set_aside = "set_aside"
    """It killed its worker too often."""
    listed = "listed"
    """Images that are no sweep: shown, not processed."""

    @property
    def is_settled(self) -> bool:
        """Nothing will happen to it unless somebody asks."""
        return self not in (State.queued, State.running)


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the queue, as schema.sql explains it; times are seconds since 1970."""

    id: int
    fingerprint: str
    name: str
    path: str
    kind: str
    image_range: tuple[int, int] | None
    n_images: int
    state: State
    partial: str
    visit: str
    priority: float
    attempts: int
    crashes: int
    run: int
    worker: str | None
    lease_until: float | None
    not_before: float
    found_at: float
    completed_at: float
    started_at: float | None
    finished_at: float | None
    base: dict[str, dict[str, Any]] | None
    parameters: dict[str, str]
    settings: dict[str, dict[str, Any]] | None
    error: str
    hint: str
    retryable: bool
    result: dict[str, Any]
    story: tuple[dict[str, Any], ...]
    progress: str

    @property
    def latency(self) -> float | None:
        """Seconds from the last image to the result."""
        return None if self.finished_at is None else self.finished_at - self.completed_at

    @property
    def work_name(self) -> str:
        """Of the folder in which this attempt works: no other ever has it."""
        return f"{self.name}.{self.run}"

    def facts(self) -> dict[str, Any]:
        """All of it for JSON."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return facts | {"state": str(self.state), "story": list(self.story), "latency": self.latency}


def job_of(row: sqlite3.Row) -> Job:
    """The job of a row."""
    values = dict(row)
    first, last = values.pop("first_image"), values.pop("last_image")
    for column in ("base", "settings", "parameters", "result", "story"):
        values[column] = json.loads(values[column]) if values[column] else None
    return Job(
        **values
        | {
            "image_range": None if first is None else (first, last),
            "state": State(values["state"]),
            "parameters": values["parameters"] or {},
            "error": values["error"] or "",
            "hint": values["hint"] or "",
            "retryable": bool(values["retryable"]),
            "result": values["result"] or {},
            "story": tuple(values["story"] or ()),
            "progress": values["progress"] or "",
        }
    )
