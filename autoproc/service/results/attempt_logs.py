"""Logs of attempts that left no results, or none that stand: OUTPUT/.autoproc/failed/NAME/RUN/autoproc.log."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.service.sweeps.sweep_names import in_one_name

LOG = "autoproc.log"
MOST = 5
"""Logs kept of a sweep, those of its last attempts: one has 20 to 200 kB."""


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """The log of an attempt; written : when its last line was, seconds since 1970."""

    run: int
    written: float


class AttemptLogs:
    """The logs below the state folder."""

    def __init__(self, state: Path) -> None:
        self.root = state / "failed"

    def folder(self, name: str, run: int) -> Path:
        """Where that of an attempt is kept."""
        return self.root / in_one_name(name) / str(run)

    def of(self, name: str) -> list[AttemptLog]:
        """Those of a sweep, the last attempt first; none where they cannot be read."""
        found = []
        with suppress(OSError):
            for entry in (self.root / in_one_name(name)).iterdir():
                if entry.name.isdecimal() and (entry / LOG).is_file():
                    found.append(AttemptLog(int(entry.name), (entry / LOG).stat().st_mtime))
        return sorted(found, key=lambda one: one.run, reverse=True)

    def keep(self, folder: Path, name: str, run: int) -> None:
        """Take that of an attempt out of its folder, if there is one; the oldest make room."""
        place = self.folder(name, run)
        with suppress(OSError):
            if not (folder / LOG).is_file() or folder.is_symlink():
                return
            place.mkdir(parents=True, exist_ok=True)
            (folder / LOG).replace(place / LOG)
            for old in self.of(name)[MOST:]:
                shutil.rmtree(self.folder(name, old.run), ignore_errors=True)
