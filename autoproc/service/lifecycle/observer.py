"""The hooks in the life of an attempt, and what an observer may say at each.

Observers decide. Who only wants to hear listens to events (events.py): the log, the facility's commands, pages and
notices do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autoproc.service.executing.executor import Standing
from autoproc.service.job_queue.job import Job
from autoproc.service.lifecycle.attempt import Attempt


@dataclass(frozen=True, slots=True)
class NextStep:
    """What becomes of a sweep after an attempt.

    kind : "again" after a delay in seconds; "crashed", which is again unless that was one too many; "failed" for good
    words : the last of its worker, for the log
    """

    kind: Literal["again", "crashed", "failed"]
    because: str
    hint: str = ""
    delay: float = 0.0
    words: str = ""


class LifecycleObserver:
    """One concern. A hook says nothing unless it is overridden; of several observers the first that speaks counts."""

    def waits(self, attempt: Attempt) -> str:
        """It has not begun yet: why this machine is to take it over, if it is."""
        return ""

    def has_outcome(self, job: Job, result: Mapping[str, Any]) -> NextStep | None:
        """It has ended with a result of its own: what is to be done instead of taking it, if anything."""
        return None

    def has_none(self, job: Job, ended: Standing) -> NextStep | None:
        """It has ended without an outcome."""
        return None

    def is_refused(self, job: Job, error: OSError) -> NextStep | None:
        """The system refuses to write what belongs to it."""
        return None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Several observers, asked in their order."""

    observers: Sequence[LifecycleObserver]

    def waits(self, attempt: Attempt) -> str:
        """What the first says that speaks."""
        return next(filter(None, (one.waits(attempt) for one in self.observers)), "")

    def has_outcome(self, job: Job, result: Mapping[str, Any]) -> NextStep | None:
        """What the first says that speaks."""
        return next(filter(None, (one.has_outcome(job, result) for one in self.observers)), None)

    def has_none(self, job: Job, ended: Standing) -> NextStep:
        """What the first says that speaks. There is one for it: nothing is left without an end."""
        return next(filter(None, (one.has_none(job, ended) for one in self.observers)))

    def is_refused(self, job: Job, error: OSError) -> NextStep:
        """The same."""
        return next(filter(None, (one.is_refused(job, error) for one in self.observers)))
