"""What the program says of sweeps that it follows while they are collected."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Followed:
    """A sweep, some time after its last image or before.

    sweep : as what it is processed, "" while it is collected; n_integrated : first images until which it is integrated
    age : seconds since the program said so
    """

    name: str
    sweep: str
    n_there: int
    n_searched: int
    n_integrated: int
    age: float

    @property
    def words(self) -> str:
        """How far it is."""
        return f"{self.n_searched} of {self.n_there} images searched, the first {self.n_integrated} integrated"


def followed(output: Path) -> list[Followed]:
    """Those that are followed, or were until a moment ago; half a file is none."""
    found = []
    for path in (output / ".autoproc" / "live").glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(path.read_bytes())
            numbers = (said["n_there"], said["n_searched"], said["n_integrated"])
            found.append(Followed(said["name"], said["sweep"], *numbers, time.time() - said["written_at"]))
    return found
