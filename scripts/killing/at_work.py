"""Processes of the program that have a sweep, and how far each is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from collected.processes import children, command_of, is_alive, processes, processor_time

WORKER, EXECUTION = b"_work", b"_execute"
"""Commands of workers of this machine, and of those that an executor elsewhere has begun."""
AWAY = ".away"
"""How folders end in which executions elsewhere have theirs."""


@dataclass(frozen=True)
class AtWork:
    """A process that has a sweep.

    log : of the sweep, in the work folder of this attempt; None of one that follows a sweep that is being collected
    live : where it is told what is known of such sweeps
    """

    pid: int
    log: Path | None
    live: Path | None = None

    @property
    def is_alive(self) -> bool:
        """It has neither ended nor been killed."""
        return is_alive(self.pid)

    @property
    def stage(self) -> str:
        """How far it is: after the stage that its log has told last, or as many images as it has searched."""
        if self.log is None:
            return "following" if self.live is None else f"following, {searched(self.live)}"
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
    live = output / ".autoproc" / "live"
    if not searched(live):
        return []
    busy = [pid for pid in children(program) if WORKER in command_of(pid) and not any(open_logs(pid))]
    return [AtWork(max(busy, key=processor_time), None, live)] if busy else []


def searched(live: Path) -> str:
    """How many images of the sweep that is followed were searched; "" where none is."""
    for path in live.glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            told = json.loads(path.read_bytes())
            if not told["sweep"] and told["n_there"]:
                return f"{told['n_searched']} of {told['n_there']} images searched"
    return ""


def open_logs(pid: int) -> Iterator[Path]:
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            path = Path(os.readlink(link))
            if path.name == "autoproc.log":
                yield path
