"""A job: one sweep's row in the queue."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, overload

INTERRUPTED = "interrupted"
"""In place of a state: under way, but its program is gone."""
REPLACED = ("settings", "result")
"""Columns, or parts of them, that a new result takes the place of."""
TO_START_ANEW = "process its images into another folder of results: `autoproc run IMAGES --output FOLDER`"
"""What to do about a job whose row is damaged."""
TO_RESUME = "its program is gone: `autoproc run` begins it again"


class JobState(StrEnum):
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
    not_combined = "not_combined"
    """A group of sweeps of which no two agree: each has its own results, and nothing is wrong with them."""

    @property
    def is_settled(self) -> bool:
        """Nothing will happen to it unless somebody asks."""
        return self not in (JobState.queued, JobState.running)


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
    state: JobState
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
    asked_at: float | None
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
    executor: str | None
    handle: str | None
    damaged: tuple[str, ...] = ()
    """Columns of the row, and parts of them, that could not be understood; what stands for them is empty."""

    @property
    def damage(self) -> str:
        """That its row could not be understood as a whole, in words; "" where it could."""
        if not self.damaged:
            return ""
        return f"its row in queue.sqlite is damaged ({', '.join(self.damaged)}), and what that said is not known"

    @property
    def is_workable(self) -> bool:
        """All is known of it that processing needs."""
        return all(part.partition(".")[0] in REPLACED for part in self.damaged)

    @property
    def due_since(self) -> float:
        """When its last image came, or somebody asked for it, whichever was later."""
        return max(self.completed_at, self.asked_at or 0.0)

    @property
    def latency(self) -> float | None:
        """Seconds from the arrival of the last image until its results were in their place; None before that.

        There is no such number for what was asked for (no_latency): the time would tell when that was.
        """
        if self.finished_at is None or self.no_latency:
            return None
        return max(0.0, self.finished_at - self.completed_at)

    @property
    def no_latency(self) -> str:
        """Why there is no time from the last image to the results, in words; "" where there is, or will be."""
        if self.kind == "combined":
            return "of several sweeps, each of which has its own"
        if self.asked_at is not None and self.asked_at > self.completed_at:
            return "they were asked for after it had come, by name or by processing it again"
        return ""

    @property
    def processing_time(self) -> float | None:
        """Seconds that its last processing took, without what it waited before; None before it has ended."""
        if self.finished_at is None or self.started_at is None:
            return None
        return max(0.0, self.finished_at - self.started_at)

    @property
    def waited(self) -> float | None:
        """Seconds from the last image, or from when it was asked for, to the beginning; None before that."""
        return None if self.started_at is None else max(0.0, self.started_at - self.due_since)

    @property
    def times(self) -> dict[str, float | None]:
        """How long things took, seconds, by the names that programs know."""
        return {"latency": self.latency, "processing_time": self.processing_time, "waited": self.waited}

    @property
    def last_crash(self) -> str:
        """Why its worker ended the last time, if it crashed since it was queued; else nothing."""
        crashes = [entry.get("because", "") for entry in self.story if entry.get("event") == "crashed"]
        return str(crashes[-1]) if self.crashes and crashes else ""

    def facts(self, is_interrupted: bool = False) -> dict[str, Any]:
        """All of it for JSON; is_interrupted : nobody works on it any more."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        state = INTERRUPTED if is_interrupted else str(self.state)
        return facts | {"state": state, "story": list(self.story)} | self.times


@overload
def sql_text(text: str) -> str | bytes: ...
@overload
def sql_text(text: None) -> None: ...
def sql_text(text: str | None) -> str | bytes | None:
    """Text for SQLite, which takes UTF-8 alone: names of files that are none go in as their bytes."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        with suppress(UnicodeEncodeError):
            return os.fsencode(text)
        return text.encode("utf-8", "replace")  # no name of a file, but halves of characters that somebody quotes
    return text


def sql_read(value: str | bytes) -> str:
    """Such text read again."""
    return value if isinstance(value, str) else os.fsdecode(value)
