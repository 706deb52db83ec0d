"""Helpers for large sweeps: orders to help with one, given to the executor that has the sweep while others are free.

What is wanted lies in the folder in which a sweep's work is shared. Helpers make room for sweeps that wait, and end
with their sweep. No helper outlives the program in the queue: those that a program has left are withdrawn, and the
next one sends its own. Whatever becomes of a helper, the sweep comes out the same.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from autoproc.config import Config
from autoproc.service.executing.executor import Executor, ExecutorDown, Task
from autoproc.service.job_queue.job import Job
from autoproc.service.lifecycle.attempt import Attempt
from autoproc.service.processing.order import Order, config_for
from autoproc.service.results.outputs import Leftover, Outputs, remove
from autoproc.service.sharing.wanted import n_wanted

LOOK = 0.5
"""Seconds between two looks for what is wanted: one file for each sweep under way."""
NAME, OF_PART = "-{n}-{sweep}", re.compile(r"-\d+-(?P<sweep>.+)")
"""Of a helper, in place of a sweep's name, which never begins with a dash."""
HANDLE = "handle.json"
"""What the executor calls it, in the folder of its order."""


@dataclass(frozen=True, slots=True)
class Part:
    """A helper that an executor has, and of which attempt it is a part."""

    attempt: Attempt
    task: Task


def helped_sweep(name: str) -> str | None:
    """Of which sweep a name is a helper's; None of a sweep's own."""
    match = OF_PART.fullmatch(name)
    return match["sweep"] if match else None


class PartOrders:
    """Sends helpers, and calls them back."""

    def __init__(self, outputs: Outputs, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._outputs, self._config, self._clock = outputs, config, clock
        self._parts: list[Part] = []
        self._n_sent: dict[tuple[int, int], int] = {}
        self._next_look = 0.0

    def tasks(self, executor: Executor) -> list[Task]:
        """Those that an executor has."""
        return [part.task for part in self._parts if part.attempt.executor is executor]

    def names(self) -> set[str]:
        """Of all that are under way."""
        return {part.task.name for part in self._parts}

    def note_ended(self, handles: set[str], executor: Executor) -> None:
        """These have ended, by themselves or not."""
        for part in list(self._parts):
            if part.attempt.executor is executor and part.task.handle in handles:
                self._parts.remove(part)
                self.clean(part.task)

    def step(self, attempts: Sequence[Attempt], n_waiting: int, may_send: bool) -> None:
        """Call back those whose sweep is over, or whose place is wanted; send those that are wanted.

        n_waiting : sweeps that nobody has, though it was their turn
        """
        for part in list(self._parts):
            if all(part.attempt is not attempt for attempt in attempts):
                self._call_back(part, "its sweep is over")
        if self._make_room(n_waiting):
            return
        if may_send and self._clock() >= self._next_look:
            self._next_look = self._clock() + LOOK
            for attempt in attempts:
                self._send_to(attempt)

    def close(self) -> None:
        """Call all back."""
        for part in list(self._parts):
            self._call_back(part, "the program was stopped")

    def clean(self, task: Task) -> None:
        """Remove what a helper has left: nothing of it is a result. What cannot be removed now is another time."""
        outputs, name, run = self._outputs, task.name, task.run
        for path in (outputs.away(name, run), outputs.folder(name, run), outputs.outcome_path(name, run)):
            with suppress(OSError):
                remove(path)

    def _make_room(self, n_waiting: int) -> bool:
        """Whether any were called back, the last sent first."""
        crowded = [part for part in self._parts[::-1] if not part.attempt.executor.n_free][:n_waiting]
        for part in crowded:
            self._call_back(part, "a sweep waits for its place")
        return bool(crowded)

    def _call_back(self, part: Part, because: str) -> None:
        with suppress(ExecutorDown):
            part.attempt.executor.cancel([part.task], because)
        self._parts.remove(part)
        self.clean(part.task)

    def _send_to(self, attempt: Attempt) -> None:
        job, executor = attempt.job, attempt.executor
        key = (job.id, job.run)
        while attempt.standing.phase == "running" and executor.n_free and not executor.trouble:
            n = self._n_sent.get(key, 0) + 1
            if n > n_wanted(self._outputs.parts(job.name, job.run)):
                return
            self._n_sent[key] = n
            with suppress(ExecutorDown, OSError):  # it is done without
                order = self._order(job, executor, n)
                (handle,) = executor.submit([order])
                self._parts.append(Part(attempt, Task(handle, order.name, order.run)))
                self._keep_handle(executor, order, handle)

    def _keep_handle(self, executor: Executor, order: Order, handle: str) -> None:
        """For the program after this one. Raises OSError."""
        if executor.outlives_program:
            told = json.dumps({"executor": executor.name, "handle": handle})
            (self._outputs.away(order.name, order.run) / HANDLE).write_text(told, encoding="utf-8")

    def withdraw(self, left: Leftover, executors: Sequence[Executor]) -> None:
        """Remove what a helper of a program that is gone has left; an executor that may still have it hears of that."""
        name, handle = "", ""
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads((self._outputs.away(left.name, left.run) / HANDLE).read_text(encoding="utf-8"))
            name, handle = str(told["executor"]), str(told["handle"])
        task = Task(handle, left.name, left.run)
        for executor in [executor for executor in executors if handle and executor.name == name]:
            with suppress(ExecutorDown):
                executor.cancel([task], "its program is gone")
        self.clean(task)

    def _order(self, job: Job, executor: Executor, n: int) -> Order:
        """Raises OSError."""
        outputs, name = self._outputs, NAME.format(n=n, sweep=job.name)
        self.clean(Task("", name, job.run))
        is_away = executor.outlives_program
        (outputs.away if is_away else outputs.folder)(name, job.run).mkdir(parents=True)
        config = config_for(job, self._config, executor.n_threads)
        return Order(
            job.id, job.run, name, job.path, job.image_range, "", outputs.folder(name, job.run),
            outputs.outcome_path(name, job.run), config, part_of=outputs.parts(job.name, job.run),
        )  # fmt: skip
