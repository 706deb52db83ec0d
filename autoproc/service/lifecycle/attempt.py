"""An attempt at a sweep that is under way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from autoproc.service.executing.executor import Executor, Standing, Task
from autoproc.service.job_queue.job import Job


@dataclass(slots=True)
class Attempt:
    """Of which job, who has it, how it stands, and since when it is there (by a clock that nobody sets).

    note : why it is where it is, where that is not as usual
    """

    job: Job
    executor: Executor
    task: Task
    standing: Standing
    note: str = ""
    since: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """It has ended, with an outcome or without."""
        return self.standing.phase == "ended"

    @property
    def is_waiting(self) -> bool:
        """Nobody has begun it."""
        return self.standing.phase == "waiting"

    @property
    def seconds(self) -> float:
        """Since it was given to its executor, or taken up from another program."""
        return time.monotonic() - self.since

    @property
    def words(self) -> str:
        """Where it waits, or what it is at."""
        return "; ".join(filter(None, (self.standing.words, self.note)))
