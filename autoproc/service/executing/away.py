"""What executors elsewhere have in common: orders and results are files in a folder that all machines see.

What the scheduler says of a job is for people, and for jobs that end without results: results are believed as soon
as they are there, whatever it says.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from autoproc.service.executing.execution import last_told
from autoproc.service.executing.executor import ExecutorDown, Standing, Task
from autoproc.service.executing.executor_site import LOG, SCRIPT, Site
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import ORDER

KEPT = 2000
"""Bytes kept of the end of what a worker elsewhere has printed."""
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 300.0
"""Seconds after which an executor that took nothing is tried again, the first time, and at most after doubling."""
UNSEEN = "it ended, and left no results"


class AwayExecutor(ABC):
    """An executor that is told by files, and answers by files. What else it has to do is in four verbs.

    Its scheduler may be down: then it takes nothing for a while, and is tried with one sweep.
    """

    name: ClassVar[str]
    outlives_program: ClassVar[bool] = True

    def __init__(self, site: Site, n_jobs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.site, self._n_jobs, self._clock = site, n_jobs, clock
        self._n_mine = 0
        self._told: dict[str, int] = {}
        self._seen: dict[str, Standing] = {}
        self._over: dict[str, float] = {}
        self._next_look = 0.0
        self._reason, self._pause, self._until = "", 0.0, 0.0

    # What each does in its own way

    @property
    @abstractmethod
    def n_threads(self) -> int:
        """Threads for each sweep."""

    @property
    def most_at_once(self) -> int:
        """Orders that are given in one call at most."""
        return 1

    @abstractmethod
    def give(self, orders: Sequence[Order]) -> list[str]:
        """Have these, whose files are written, carried out; returns a handle for each. Raises ExecutorDown."""

    @abstractmethod
    def ask(self, tasks: Sequence[Task]) -> Mapping[str, Standing]:
        """What the scheduler has said of those of these that it was asked about."""

    @property
    def silence(self) -> str:
        """Why it says nothing new, in words; "" where it does."""
        return ""

    @abstractmethod
    def stop(self, handles: Sequence[str]) -> None:
        """Have the scheduler stop these. Raises ExecutorDown."""

    @abstractmethod
    def close(self) -> None:
        """Ask no more."""

    # What all do alike

    @property
    def trouble(self) -> str:
        """Why it takes nothing now."""
        return self._reason if self._clock() < self._until else ""

    @property
    def n_free(self) -> int:
        """How many more it takes; one, where it has taken none the last time."""
        free = max(self._n_jobs - self._n_mine, 0)
        return min(free, 1) if self._reason else free

    def submit(self, orders: Sequence[Order]) -> list[str]:
        """Write the orders, and have them carried out."""
        for order in orders:
            away = self._away(order.name, order.run)
            (away / SCRIPT).write_text(self.site.script(away), encoding="utf-8")
            (away / SCRIPT).chmod(0o755)
            part = away / f".{ORDER}.part"
            part_of = None if order.part_of is None else order.part_of.absolute()
            whole = replace(order, folder=order.folder.absolute(), outcome=order.outcome.absolute(), part_of=part_of)
            part.write_text(whole.line(), encoding="utf-8")
            part.replace(away / ORDER)
        try:
            handles = self.give(orders)
        except ExecutorDown as error:
            self._is_down(error)
            raise
        self._reason, self._pause = "", 0.0
        self._n_mine += len(handles)
        return handles

    def poll(self, tasks: Sequence[Task]) -> dict[str, Standing]:
        """How each stands: by its results where they are there, else by what the scheduler says of it."""
        self._n_mine = len(tasks)
        if self._clock() >= self._next_look or any(task.handle not in self._seen for task in tasks):
            self._next_look = self._clock() + self.site.look
            self._seen = self._look(tasks)
        standings = {task.handle: self._seen[task.handle] for task in tasks}
        self._seen = {handle: replace(standing, said=()) for handle, standing in self._seen.items()}
        return standings

    def cancel(self, tasks: Sequence[Task], because: str) -> None:
        """Withdraw the orders, so that they end wherever they run, and have the scheduler stop them if it can."""
        for task in tasks:
            with suppress(OSError):
                (self._away(task.name, task.run) / ORDER).unlink(missing_ok=True)
            self._forget(task.handle)
        with suppress(ExecutorDown):
            self.stop([task.handle for task in tasks])

    def reconcile(self, tasks: Sequence[Task]) -> list[Task]:
        """Those that were given, as their handles say; of others nobody knows, and their orders are withdrawn."""
        return [task for task in tasks if task.handle]

    def make_ready(self, n_waiting: int) -> None:
        """Elsewhere, others see to that."""
        return

    def script_path(self, order: Order) -> Path:
        """The shell script that carries out an order, wherever it is run."""
        return (self._away(order.name, order.run) / SCRIPT).absolute()

    def _away(self, name: str, run: int) -> Path:
        return self.site.outputs.away(name, run)

    def _is_down(self, error: ExecutorDown) -> None:
        self._reason = error.message
        self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
        self._until = self._clock() + self._pause

    def _look(self, tasks: Sequence[Task]) -> dict[str, Standing]:
        said = self.ask(tasks)
        there = frozenset[str]()
        with suppress(OSError):  # a listing: a single name that was not there may be remembered so for a minute by NFS
            there = frozenset(os.listdir(self.site.outputs.work))
        return {task.handle: self._standing(task, said.get(task.handle), there) for task in tasks}

    def _standing(self, task: Task, said: Standing | None, there: frozenset[str]) -> Standing:
        outputs = self.site.outputs
        told = last_told(self._away(task.name, task.run))
        words = () if told is None else told.said[self._told.get(task.handle, 0) :]
        self._told[task.handle] = 0 if told is None else len(told.said)
        is_there = {outputs.folder(task.name, task.run).name, outputs.outcome_path(task.name, task.run).name} & there
        outcome = outputs.outcome(task.name, task.run) if is_there else None
        if outcome is not None:
            self._forget(task.handle)
            return Standing("ended", said=words, outcome=outcome)
        if said is not None and said.phase == "ended":
            return self._ended(task, said, words)
        self._over.pop(task.handle, None)
        if told is not None and (said is None or said.phase == "running"):
            where = said.words if said is not None else self.name
            host = "" if told.host in where else f", on {told.host}"
            return Standing("running", f"{told.doing or 'Starting'} ({where}{host})", words)
        if said is not None and said.phase == "running":
            return Standing("running", f"Starting ({said.words})", words)
        waiting = said or Standing("waiting", f"given to {self.name}")
        return replace(waiting, words=f"{waiting.words}; {self.silence}") if self.silence else waiting

    def _ended(self, task: Task, said: Standing, words: Sequence[str]) -> Standing:
        """It is over without results; where it ended well, they may not be seen yet here."""
        since = self._over.setdefault(task.handle, self._clock())
        if said.because == UNSEEN and self._clock() - since < self.site.unseen:
            return Standing("running", "its results are looked for", words)
        self._forget(task.handle)
        return replace(said, said=words, last_words=said.last_words or self._last_words(task))

    def _last_words(self, task: Task) -> str:
        log = self._away(task.name, task.run) / LOG
        try:
            with log.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - KEPT, 0))
                return file.read().decode(errors="replace").strip()
        except OSError:
            return f"{log.absolute()} was never written: whoever had it may not see this folder, or not write there"

    def _forget(self, handle: str) -> None:
        for kept in (self._told, self._over):
            kept.pop(handle, None)
