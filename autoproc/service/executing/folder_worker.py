"""What `autoproc worker` does: takes orders that are offered in a folder, and has its workers carry them out."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autoproc.service.executing.execution import BEAT, StatusFile, hand_in, read_order
from autoproc.service.executing.executor import Standing, Task
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.shared_folder import ENDED, OFFER, TAKEN, hosts_folder
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import ORDER, Outputs

LOOK = 1.0
"""Seconds between two looks for offers: one listing of a folder."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that this program has taken."""

    order: Order
    away: Path
    task: Task
    status: StatusFile


class FolderWorker:
    """Takes orders while there are workers free, and says that it is there.

    tell : hears a line for people of what is taken and done
    """

    def __init__(
        self,
        outputs: Outputs,
        local: LocalExecutor,
        tell: Callable[[str], None] = lambda _: None,
        look: float = LOOK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outputs, self._local, self._tell = outputs, local, tell
        self._look, self._clock = look, clock
        self._token = f"{os.uname().nodename}.{os.getpid()}.{secrets.token_hex(4)}"
        self._taken: list[Taken] = []
        self._next_look = self._next_beat = 0.0
        self._n_beats = 0

    def turn(self) -> None:
        """Look after everything once. Raises OSError while the folder cannot be read."""
        now = self._clock()
        if now >= self._next_beat:
            self._beat()
            self._next_beat = now + BEAT
        self._see_to_those_at_work()
        if now >= self._next_look:
            self._next_look = now + self._look
            self._take_more()
        self._local.make_ready(0)

    def wait(self, timeout: float) -> None:
        """Wait until a worker has something to say, at most so many seconds."""
        self._local.wait(timeout)

    def close(self) -> None:
        """Stop what is at work, offer it to others, and be gone."""
        for taken in self._taken:
            self._local.cancel([taken.task], "the program was stopped")
            shutil.rmtree(taken.order.folder, ignore_errors=True)
            with suppress(OSError):
                (taken.away / f"{TAKEN}{self._token}").rename(taken.away / OFFER)
        self._taken = []
        self._local.close()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return hosts_folder(self._outputs) / f"{self._token}.json"

    def _beat(self) -> None:
        """Say that this program is there, and that each of its workers lives; stop those whose order is withdrawn."""
        self._n_beats += 1
        told = {"machine": os.uname().nodename, "n_workers": self._local.shares.n_workers, "n": self._n_beats}
        self._file.parent.mkdir(exist_ok=True)
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(self._file)
        for taken in list(self._taken):
            if (taken.away / ORDER).exists():
                taken.status.beat()
                continue
            self._local.cancel([taken.task], "its order was withdrawn")
            shutil.rmtree(taken.order.folder, ignore_errors=True)
            self._taken.remove(taken)
            self._tell(f"{taken.order.name}: not wanted any more")

    def _see_to_those_at_work(self) -> None:
        standings = self._local.poll([taken.task for taken in self._taken])
        for taken in list(self._taken):
            standing = standings[taken.task.handle]
            for text in standing.said:
                taken.status.send("say", text=text)
            if standing.phase == "ended":
                self._taken.remove(taken)
                self._end(taken, standing)
            elif standing.words != taken.status.doing:
                taken.status.send("progress", doing=standing.words)

    def _end(self, taken: Taken, ended: Standing) -> None:
        if ended.outcome is None and not taken.order.outcome.exists():
            told = {"because": ended.because, "last_words": ended.last_words}
            part = taken.away / f".{self._token}.part"
            part.write_text(json.dumps(told), encoding="utf-8")
            part.replace(taken.away / f"{self._token}{ENDED}")
            self._tell(f"{taken.order.name}: {ended.because}")
            return
        hand_in(taken.order, taken.away)
        self._tell(f"{taken.order.name}: done")

    def _take_more(self) -> None:
        """Take what is offered, the first offered first, for those that are free."""
        offers = []
        for name in os.listdir(self._outputs.work) if self._local.n_free else ():
            if name.endswith(".away"):
                with suppress(OSError):
                    offers.append(((self._outputs.work / name / OFFER).stat().st_mtime, self._outputs.work / name))
        for _, away in sorted(offers):
            if self._local.n_free:
                self._take(away.absolute())

    def _take(self, away: Path) -> None:
        """Take an order, if nobody is faster and it stands."""
        try:
            (away / OFFER).rename(away / f"{TAKEN}{self._token}")
        except FileNotFoundError:
            return
        order = read_order(away)
        if order is None:
            return
        run = order.config.run.model_copy(update={"n_threads": self._local.n_threads})
        order = replace(order, config=order.config.model_copy(update={"run": run}))
        order.folder.mkdir()
        status = StatusFile(away, order.folder.name)
        status.beat()
        (handle,) = self._local.submit([order])
        self._taken.append(Taken(order, away, Task(handle, order.name, order.run), status))
        self._tell(f"{order.name}: taken")
