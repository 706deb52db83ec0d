"""Workers on other machines, without a scheduler: they come for orders to the folder that all see.

Programs `autoproc worker` look for offers in the work folder. A rename takes one: who has renamed it has it alone. They
say that they are there in OUTPUT/.autoproc/workers, by files that change; no clock of theirs is asked.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from autoproc.service.executing.away import AwayExecutor
from autoproc.service.executing.execution import BEAT, last_told
from autoproc.service.executing.executor import Standing, Task
from autoproc.service.executing.executor_site import Site
from autoproc.service.processes.cores_and_memory import CORES_OF_A_SWEEP
from autoproc.service.processes.stillness import Stillness
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import Outputs

OFFER, TAKEN, ENDED = "offered", "taken.", ".ended"
"""An order that is offered; whose it is then; how a worker of theirs has ended that left no outcome."""
LISTENING = 2.5 * BEAT
"""Seconds at the beginning in which those that are there are bound to be heard."""
NOBODY = "no `autoproc worker` works on this folder"


@dataclass(frozen=True, slots=True)
class Host:
    """A program that works on orders: on which machine, how many sweeps at a time; n grows while it lives."""

    machine: str
    n_workers: int
    n: int


def hosts_folder(outputs: Outputs) -> Path:
    """Where they say that they are there."""
    return outputs.state / "workers"


def hosts_of(outputs: Outputs) -> dict[str, Host]:
    """What programs have said last, those that are gone included; half a file is none."""
    found = {}
    with suppress(OSError):
        for entry in hosts_folder(outputs).glob("*.json"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(entry.read_text(encoding="utf-8"))
                found[entry.stem] = Host(str(told["machine"]), int(told["n_workers"]), int(told["n"]))
    return found


class SharedFolderExecutor(AwayExecutor):
    """Offers orders to whoever comes for them."""

    name: ClassVar[str] = "workers"

    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(site, 0, clock)
        self._hosts, self._lives = Stillness(clock), Stillness(clock)
        self._begun = clock()
        self._alive: dict[str, Host] = {}
        self._next_count = self._begun

    @property
    def n_threads(self) -> int:
        """What a worker that knows better takes its own number for."""
        return CORES_OF_A_SWEEP

    @property
    def trouble(self) -> str:
        """Nobody is there, as far as those that are have had time to be heard."""
        self._count()
        is_settled = self._clock() - self._begun > LISTENING
        return f"{NOBODY}" if is_settled and not self._alive else ""

    @property
    def n_free(self) -> int:
        """Workers that are not at work: no more is offered than they take, so that the order may still change."""
        self._count()
        return max(sum(host.n_workers for host in self._alive.values()) - self._n_mine, 0)

    def _count(self) -> None:
        """Who is there: those whose file has been seen to change, and not long ago."""
        if self._clock() < self._next_count:
            return
        self._next_count = self._clock() + self.site.look
        silence = self.site.service.lease
        self._alive = {
            token: host
            for token, host in hosts_of(self.site.outputs).items()
            if self._hosts.seconds(token, host.n) < silence and self._hosts.has_moved(token)
        }

    def give(self, orders: Sequence[Order]) -> list[str]:
        """Offer them."""
        for order in orders:
            (self._away(order.name, order.run) / OFFER).touch()
        return [f"{order.job_id}.{order.run}" for order in orders]

    def ask(self, tasks: Sequence[Task]) -> Mapping[str, Standing]:
        """Whether somebody has taken them, and is heard since."""
        return {task.handle: self._standing_of(task) for task in tasks}

    def _standing_of(self, task: Task) -> Standing:
        away = self._away(task.name, task.run)
        names = []
        with suppress(OSError):
            names = os.listdir(away)
        ended = next((name for name in names if name.endswith(ENDED)), None)
        if ended is not None:
            return _told_end(away / ended)
        taken = next((name.removeprefix(TAKEN) for name in names if name.startswith(TAKEN)), None)
        if taken is None:
            return Standing("waiting", "waits for an `autoproc worker`")
        told = last_told(away)
        where = f"worker on {taken.partition('.')[0]}"
        if self._lives.seconds(task.handle, None if told is None else told.n) > self.site.service.lease:
            silence = f"{self.site.service.lease:g} s"
            return Standing("ended", because=f"nothing was heard of its {where} for {silence}", is_its_doing=False)
        return Standing("running", where)

    def stop(self, handles: Sequence[str]) -> None:
        """That the order is withdrawn is enough."""

    def close(self) -> None:
        """Nobody is asked."""


def _told_end(path: Path) -> Standing:
    """How a worker ended, as its host says."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Standing("ended", because=str(told["because"]), last_words=str(told["last_words"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Standing("ended", because="its worker ended, and what was said of that cannot be read")
