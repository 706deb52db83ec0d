"""Pieces of a stage's work in a folder that several processes see, wherever they run.

Who makes the file of a claim first has the piece: such files are made by one alone, on network file systems as well.
Answers are renamed to their names when they are whole. What a piece is depends on nothing but its number, so that it
does not matter who does it, or whether two do.

FOLDER/NNN.KIND/          a stage; it is there once `task.npz` in it is whole
    task.npz              what is to be done
    0007.claim            who has piece 7
    0007.npz              what has come of it
    0007.declined         why whoever has it does not do it
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoproc.errors import AutoprocError

Arrays = Mapping[str, np.ndarray]
TASK = "task"
STAGE = re.compile(r"(?P<number>\d{3})\.(?P<kind>\w+)\.(?P<n>\d+)")


class UnusableArrays(AutoprocError):
    """A file of arrays that another process has written, and that cannot be read."""

    what = "{path} cannot be read: {reason}"
    hint = "nothing needs to be done: the sweep's own process makes it itself"


@dataclass(frozen=True, slots=True)
class Pieces:
    """Those of a stage. kind : of what is to be done; n : how many there are."""

    folder: Path
    kind: str
    n: int

    @classmethod
    def published(cls, parent: Path, number: int, kind: str, n: int, task: Arrays) -> Pieces:
        """A stage that others may help with from now on. Raises OSError."""
        name = f"{number:03d}.{kind}.{n}"
        hidden = parent / f".{name}"
        hidden.mkdir()
        pieces = cls(hidden, kind, n)
        pieces._write(TASK, task, "")
        hidden.rename(parent / name)
        return cls(parent / name, kind, n)

    @classmethod
    def last_in(cls, parent: Path) -> Pieces | None:
        """The stage that was published last; None where there is none. Raises OSError."""
        found = [match for name in os.listdir(parent) if (match := STAGE.fullmatch(name))]
        if not found:
            return None
        last = max(found, key=lambda match: int(match["number"]))
        return cls(parent / last[0], last["kind"], int(last["n"]))

    def task(self) -> dict[str, np.ndarray]:
        """What is to be done. Raises UnusableArrays."""
        return self._read(TASK)

    def claimed(self) -> set[int]:
        """Pieces that somebody has. Raises OSError."""
        return {int(name.partition(".")[0]) for name in os.listdir(self.folder) if name.endswith(".claim")}

    def claim(self, number: int, who: str) -> bool:
        """Take a piece, if nobody has it. Raises OSError."""
        try:
            with self._path(number, "claim").open("x", encoding="utf-8") as file:
                file.write(who)
        except FileExistsError:
            return False
        return True

    def holder(self, number: int) -> str:
        """Who has a piece; "" where that is not known yet."""
        with suppress(OSError):
            return self._path(number, "claim").read_text(encoding="utf-8")
        return ""

    def answer(self, number: int, arrays: Arrays, who: str) -> None:
        """What has come of a piece. Raises OSError."""
        self._write(f"{number:04d}", arrays, who)

    def decline(self, number: int, why: str) -> None:
        """Give a piece back. Raises OSError."""
        self._path(number, "declined").write_text(why, encoding="utf-8")

    def is_answered(self, number: int) -> bool:
        """Something has come of a piece. A listing: that a single name was not there is remembered for long by NFS."""
        return f"{number:04d}.npz" in os.listdir(self.folder)

    def why_declined(self, number: int) -> str | None:
        """Why whoever has a piece does not do it; None where nobody has said so."""
        path = self._path(number, "declined")
        return path.read_text(encoding="utf-8") if path.name in os.listdir(self.folder) else None

    def read(self, number: int) -> dict[str, np.ndarray]:
        """What has come of a piece. Raises UnusableArrays."""
        return self._read(f"{number:04d}")

    def remove(self) -> None:
        """All of the stage; whoever is still at a piece of it finds that out."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int, what: str) -> Path:
        return self.folder / f"{number:04d}.{what}"

    def _write(self, stem: str, arrays: Arrays, who: str) -> None:
        part = self.folder / f".{stem}.{who}.part"
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        part.replace(self.folder / f"{stem}.npz")

    def _read(self, stem: str) -> dict[str, np.ndarray]:
        path = self.folder / f"{stem}.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UnusableArrays(path=path, reason=error) from error
