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

    chosen : by the configuration; local : this machine's workers, which take over (if takes_over) where that takes
    nothing, or has let a sweep wait for too long
    """

    def __init__(self, local: LocalExecutor, chosen: Executor | None = None, takes_over: bool = True) -> None:
        self.local, self._takes_over = local, takes_over and chosen is not None
        self.chosen: Executor = local if chosen is None else chosen
        self.all: tuple[Executor, ...] = (local,) if chosen is None else (chosen, local)

    def named(self, name: str | None) -> Executor | None:
        """The one of a name; None where the program has none."""
        return next((executor for executor in self.all if executor.name == name), None)

    def next(self) -> Choice | None:
        """Who takes a sweep now; None where nobody does."""
        if not self.chosen.trouble:
            return Choice(self.chosen) if self.chosen.n_free else None
        return Choice(self.local, f"on this machine, as {self.chosen.trouble}") if self.can_take_over else None

    @property
    def can_take_over(self) -> bool:
        """A worker of this machine is free for what others do not take."""
        return self._takes_over and self.local.n_free > 0

    def make_ready(self, n_waiting: int) -> None:
        """So many sweeps wait: who gets the next has what it needs."""
        (self.local if self.chosen.trouble and self._takes_over else self.chosen).make_ready(n_waiting)

    def close(self) -> None:
        """Let go of what is kept ready."""
        for executor in self.all:
            executor.close()
