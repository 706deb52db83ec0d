"""Whose turn it is: the executor that is configured, or this machine's workers where that takes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.service.executing.executor import Executor
from autoproc.service.executing.local import LocalExecutor


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets the next sweep; because : why it is not who is configured, in words."""

    executor: Executor
    because: str = ""


class Executors:
    """Those that a program works with.

    chosen : by the configuration; local : this machine's workers, which take over where that takes nothing
    """

    def __init__(self, local: LocalExecutor, chosen: Executor | None = None) -> None:
        self.local = local
        self.chosen: Executor = local if chosen is None else chosen
        self.all: tuple[Executor, ...] = (local,) if chosen is None else (chosen, local)

    def named(self, name: str | None) -> Executor | None:
        """The one of a name; None where the program has none."""
        return next((executor for executor in self.all if executor.name == name), None)

    def next(self) -> Choice | None:
        """Who takes a sweep now; None where nobody does."""
        if not self.chosen.trouble:
            return Choice(self.chosen) if self.chosen.n_free else None
        return Choice(self.local, f"here, as {self.chosen.trouble}") if self.local.n_free else None

    def make_ready(self, n_waiting: int) -> None:
        """So many sweeps wait: who gets the next has what it needs."""
        (self.local if self.chosen.trouble else self.chosen).make_ready(n_waiting)

    def close(self) -> None:
        """Let go of what is kept ready."""
        for executor in self.all:
            executor.close()
