"""What an executor is: whoever carries out attempts at sweeps, on this machine or elsewhere.

The supervisor keeps the queue; an executor takes orders, says how they stand, and stops those that are not wanted.
`conformance.py` holds the tests that each has to pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from autoproc.errors import AutoprocError
from autoproc.service.processing.order import Order

Phase = Literal["waiting", "running", "ended"]


class ExecutorDown(AutoprocError):
    """An executor takes no orders now; it may later."""

    what = "{executor} takes no sweeps: {reason}"
    hint = "they wait, or are processed on this machine; `autoproc run` asks again by itself"


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt that an executor has.

    handle : what the executor calls it; name, run : of the sweep, and which attempt at it
    """

    handle: str
    name: str
    run: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How an attempt stands.

    words : where it waits, or what it is at; said : what its worker wants to be told
    outcome : what the worker has reported, where it came to that; because, last_words : how it ended where not
    is_its_doing : the sweep may be what ended it, rather than a machine that failed or somebody who stopped it
    """

    phase: Phase
    words: str = ""
    said: Sequence[str] = ()
    outcome: Mapping[str, Any] | None = None
    because: str = ""
    last_words: str = ""
    is_its_doing: bool = True


class Executor(Protocol):
    """Who carries out attempts."""

    @property
    def name(self) -> str:
        """As it is configured and kept in the queue."""

    @property
    def outlives_program(self) -> bool:
        """What it has goes on when the program ends, and another program can ask for it."""

    @property
    def n_threads(self) -> int:
        """Threads for each sweep."""

    @property
    def most_at_once(self) -> int:
        """Orders that are given in one call at most."""

    @property
    def trouble(self) -> str:
        """Why it takes nothing now, in words; "" where it does."""

    @property
    def n_free(self) -> int:
        """How many more sweeps it takes now."""

    def submit(self, orders: Sequence[Order]) -> list[str]:
        """Take orders; returns a handle for each. Raises ExecutorDown or OSError where it has taken none."""

    def poll(self, tasks: Sequence[Task]) -> Mapping[str, Standing]:
        """How each stands, by its handle, all asked for together. What has ended is said so once, and then let go."""

    def cancel(self, tasks: Sequence[Task], because: str) -> None:
        """Stop these; what they have written is nobody's. One that is gone already is no error."""

    def reconcile(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Which of these, that a program had which is gone, can be asked for; what the others left is nothing."""

    def make_ready(self, n_waiting: int) -> None:
        """So many sweeps wait, or some may come: begin what takes long to begin."""

    def close(self) -> None:
        """Let go of what is kept ready. What has a sweep goes on."""
