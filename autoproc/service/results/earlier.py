"""Earlier results of sweeps, kept aside when new ones take their place: OUTPUT/.autoproc/earlier/NAME/NUMBER.

The number is that of the attempt which made them, as their parameters.json says.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.service.sweeps.sweep_names import in_one_name

PARAMETERS = "parameters.json"
"""Which attempt made the results, and with which parameters, where they are not the defaults."""
RESULT = "merged.mtz"
"""What results hold that are worth keeping: failures are not."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Results that are kept; set_aside : when, seconds since 1970."""

    number: int
    folder: Path
    set_aside: float


class Earlier:
    """The earlier results below the state folder; n_kept : at most so many of a sweep, the last ones; None: all."""

    def __init__(self, state: Path, n_kept: int | None = None) -> None:
        self.root = state / "earlier"
        self.n_kept = n_kept

    def of(self, name: str) -> list[Kept]:
        """Those of a sweep, the last set aside first; none where they cannot be read."""
        found = []
        with suppress(OSError):
            for entry in (self.root / in_one_name(name)).iterdir():
                if entry.name.isdecimal() and entry.is_dir() and not entry.is_symlink():
                    found.append(Kept(int(entry.name), entry, entry.stat().st_mtime))
        return sorted(found, key=lambda kept: (kept.set_aside, kept.number), reverse=True)

    def folder(self, name: str, number: int) -> Path:
        """Where results are kept."""
        return self.root / in_one_name(name) / str(number)

    def keep(self, folder: Path, name: str) -> bool:
        """Take a folder of results in, if they are worth it; False where it was left. Raises OSError."""
        if self.n_kept == 0 or folder.is_symlink() or not (folder / RESULT).is_file():
            return False
        self.put_aside(folder, name, self.free_number(folder, name))
        for kept in self.of(name)[self.n_kept :] if self.n_kept is not None else ():
            shutil.rmtree(kept.folder, ignore_errors=True)
        return True

    def put_aside(self, folder: Path, name: str, number: int) -> None:
        """Take a folder of results in, whatever it holds. Raises OSError."""
        place = self.folder(name, number)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not folder.is_symlink():
            os.utime(folder)
        folder.rename(place)

    def free_number(self, folder: Path, name: str) -> int:
        """Of the attempt that made it; where another has that or nobody knows, one more than all others."""
        taken = {kept.number for kept in self.of(name)}
        number = run_of(folder)
        return number if number > 0 and number not in taken else max(taken, default=0) + 1


def run_of(folder: Path) -> int:
    """Which attempt made a folder of results; 0 where that was not written down."""
    try:
        return int(json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0
