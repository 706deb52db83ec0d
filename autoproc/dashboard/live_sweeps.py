"""What is known of the sweeps that are being collected, as the program that follows them writes it.

A file is read once for all who ask, and again when it was replaced. Nothing is read but files of ours in their folder.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from autoproc.dashboard.facts import LiveFacts
from autoproc.dashboard.files import FILE
from autoproc.legible import legible
from autoproc.service.job_queue.programs_at_work import SILENCE
from autoproc.service.processes.program import is_dead

FILE_NAME = re.compile(r"[0-9a-f]{16}\.json")
LARGEST = 1 << 18
"""Bytes of a file: one of ten probes and as many points as there may be has 40 kB."""
TEXTS = ("name", "path", "sweep", "backlog", "why_not", "ahead", "provisional", "unprobed")
MOST = 32
"""Files that are looked at: more sweeps than anybody collects at a time."""


class LiveFile(LiveFacts):
    """What a file says: the facts, and who has written them."""

    program: str


@dataclass(frozen=True, slots=True)
class LiveSweep:
    """A sweep that is followed. path : as the watcher has it; text : its facts as JSON; mark : of the file."""

    key: str
    path: str
    name: str
    program: str
    text: str
    mark: tuple[int, int, int]
    changed: float

    @property
    def is_told(self) -> bool:
        """Its program lives, as far as can be known."""
        return not is_dead(self.program) and time.time() - self.changed < SILENCE


class LiveSweeps:
    """Those of a folder of results; folder : where their files are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, LiveSweep | tuple[int, int, int]] = {}

    def all(self) -> list[LiveSweep]:
        """What is known now, in the order of their names; files that say something else are passed over."""
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return []
        try:
            names = sorted(name for name in os.listdir(folder) if FILE_NAME.fullmatch(name))[:MOST]
            found = [self._at(folder, name) for name in names]
        finally:
            os.close(folder)
        self._read = {name: one for name, one in self._read.items() if name in names}
        told = [one for one in found if one is not None and one.is_told]
        return sorted(told, key=lambda one: (one.name, one.key))

    def _at(self, folder: int, name: str) -> LiveSweep | None:
        """A file, read if it was not before. What was replaced has another number (inode) or time."""
        with suppress(OSError):
            number = os.open(name, FILE, dir_fd=folder)
            with os.fdopen(number, "rb") as file:
                status = os.fstat(number)
                mark = (status.st_ino, status.st_mtime_ns, status.st_size)
                known = self._read.get(name)
                if (known.mark if isinstance(known, LiveSweep) else known) != mark:
                    is_file = stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST
                    known = _told(file.read(LARGEST), name, mark, status.st_mtime) if is_file else None
                    self._read[name] = known or mark
                return known if isinstance(known, LiveSweep) else None
        return None


def _told(text: bytes, name: str, mark: tuple[int, int, int], changed: float) -> LiveSweep | None:
    """What a file says, in letters that may be shown; None where it is none of ours."""
    try:
        facts = LiveFile.model_validate_json(text)
    except ValidationError:
        return None
    if f"{facts.key}.json" != name:
        return None
    path = facts.path
    shown = {
        key: legible(getattr(facts, key))
        for key in ("name", "path", "sweep", "backlog", "why_not", "ahead", "provisional")
    }
    probes = [one.model_copy(update={"words": list(map(legible, one.words))}) for one in facts.probes]
    facts = facts.model_copy(update=shown | {"probes": probes})
    told = facts.model_dump_json(exclude={"program"})
    return LiveSweep(facts.key, path, facts.name, facts.program, told, mark, changed)
