"""Processes of the program that have a sweep, and how far each is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from collected.live import followed
from collected.processes import children, command_of, is_alive, processes, processor_time

WORKER, EXECUTION = b"_work", b"_execute"
"""Commands of workers of this machine, and of those that an executor elsewhere has begun."""
AWAY = ".away"
"""How folders end in which executions elsewhere have theirs."""


@dataclass(frozen=True)
class AtWork:
    """A process that has a sweep.

    log : of the sweep, in the work folder of this attempt; None of one that follows a sweep that is being collected
    output : of such a one, the folder of results
    """

    pid: int
    log: Path | None
    output: Path | None = None

    @property
    def is_alive(self) -> bool:
        """It has neither ended nor been killed."""
        return is_alive(self.pid)

    @property
    def stage(self) -> str:
        """How far it is: after the stage that its log has told last, or as many images as it has searched."""
        if self.log is None:
            return "following" if self.output is None else f"following, {searched(self.output)}"
        folder = self.log.parent
        is_away = folder.parent.name.endswith(AWAY)  # beside its folder an execution says what it is at
        if (folder / ".outcome.json" if is_away else folder.with_name(f"{folder.name}.json")).exists():
            return "with its outcome written"
        told = []
        with suppress(OSError):
            told = re.findall(r"^(\w+)[^\n]*\n==+$", self.log.read_text(errors="replace"), re.MULTILINE)
        ahead = "ahead of its order, " if "ahead" in self.log.parts else ""
        return ahead + (f"after {told[-1]}" if told else "before find_spots")


def workers_at_work(output: Path) -> list[AtWork]:
    """Processes that write a log below a folder of results now, whoever has begun them."""
    folder = os.path.abspath(output) + os.sep
    workers = [pid for pid in processes() if command_of(pid) & {WORKER, EXECUTION}]
    return [AtWork(pid, log) for pid in workers for log in open_logs(pid) if str(log).startswith(folder)]


def followers_at_work(program: int, output: Path) -> list[AtWork]:
    """The workers of a program that have no log: one of them follows the sweep, where one is followed."""
    if not searched(output):
        return []
    busy = [pid for pid in children(program) if WORKER in command_of(pid) and not any(open_logs(pid))]
    return [AtWork(max(busy, key=processor_time), None, output)] if busy else []


def searched(output: Path) -> str:
    """How far the sweep is that is followed; "" where none is."""
    return next((one.words for one in followed(output) if one.n_there and not one.sweep), "")


def open_logs(pid: int) -> Iterator[Path]:
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            path = Path(os.readlink(link))
            if path.name == "autoproc.log":
                yield path
