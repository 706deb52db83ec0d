"""Results written aside and put in their place whole: nothing of an earlier result is lost until the new one is there.

OUTPUT/.autoproc/work/ holds, for the attempt number RUN at the sweep NAME:

NAME.RUN/       what it has written so far
NAME.RUN.json   its outcome: present once the folder is whole and on the disk
NAME.RUN.away/  what it is told, and what it writes so far, where an executor elsewhere has it (executing/away.py)
NAME.RUN.parts/ what others are to help with, and what they have made of it (sharing/)
NAME.RUN.old/   the earlier results, while the new ones take their place; then they are kept (earlier.py)

Whoever finds an outcome can finish what its program could not: each step may be done again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoproc.service.job_queue.job import Job
from autoproc.service.results.attempt_logs import AttemptLogs
from autoproc.service.results.earlier import PARAMETERS, Earlier, run_of
from autoproc.service.sweeps.sweep_names import from_one_name, in_one_name

OURS = (
    "merged.mtz", "merged_anisotropic.mtz", "unmerged.mtz", "summary.txt", "summary.json", "report.html", "plots.json",
    "ispyb.json", PARAMETERS, "autoproc.log", "stages",
)  # fmt: skip
"""What a folder of results holds of ours; all else is somebody's own and is kept."""
BY_WAVELENGTH = re.compile(r"merged_\d+\.\d+A\.mtz")
"""Merged data of one of several wavelengths."""
LEFTOVER = re.compile(r"(?P<name>.+)\.(?P<run>\d+)(?P<kind>|\.json|\.json\.part|\.old|\.log|\.away|\.parts)")
ORDER = "order.json"
"""What is to be done, in the folder of an attempt that is made elsewhere; without it, nothing is."""
OUTCOME_INSIDE = ".outcome.json"
"""The outcome of an attempt made elsewhere, in its folder: one rename brings both."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something in the work folder: of which sweep and attempt."""

    name: str
    run: int


class Outputs:
    """The folders of results below OUTPUT, and the work folder.

    n_earlier : results kept of a sweep beside the last; None: all
    """

    def __init__(self, output: Path, n_earlier: int | None = None) -> None:
        self.output = output
        self.state = output / ".autoproc"
        self.work = self.state / "work"
        self.live = self.state / "live"
        self.logs = AttemptLogs(self.state)
        self.earlier = Earlier(self.state, n_earlier)

    def make_folders(self) -> None:
        """Make the folders."""
        self.work.mkdir(parents=True, exist_ok=True)

    def results(self, name: str) -> Path:
        """Where a sweep's results are in the end."""
        return self.output / name

    def has_results(self, name: str) -> bool:
        """There is a summary, of success or failure."""
        return (self.results(name) / "summary.json").exists()

    def folder(self, name: str, run: int) -> Path:
        """Where an attempt writes."""
        return self.work / f"{in_one_name(name)}.{run}"

    def outcome_path(self, name: str, run: int) -> Path:
        """Where an attempt's outcome is kept."""
        return self.work / f"{in_one_name(name)}.{run}.json"

    def away(self, name: str, run: int) -> Path:
        """Where an attempt that is made elsewhere is told its order, and writes."""
        return self.work / f"{in_one_name(name)}.{run}.away"

    def parts(self, name: str, run: int) -> Path:
        """Where whoever has an attempt shares its work."""
        return parts_of(self.folder(name, run))

    def outcome(self, name: str, run: int) -> dict[str, Any] | None:
        """An attempt's outcome, if it came so far."""
        with suppress(FileNotFoundError, NotADirectoryError):
            (self.folder(name, run) / OUTCOME_INSIDE).rename(self.outcome_path(name, run))
        try:
            return json.loads(self.outcome_path(name, run).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def begin(self, job: Job, is_away: bool = False) -> Path:
        """An empty folder for an attempt; is_away : none, but one for what is told to whoever makes it elsewhere."""
        folder, away = self.folder(job.name, job.run), self.away(job.name, job.run)
        for left in (folder, away):
            shutil.rmtree(left, ignore_errors=True)
        (away if is_away else folder).mkdir(parents=True)
        return folder

    def require_folder(self, name: str, run: int, has_summary: bool) -> None:
        """Raises FileNotFoundError where somebody has removed what an attempt has written."""
        folder = self.folder(name, run)
        os.stat(folder / "summary.json" if has_summary else folder)

    def put_in_place(self, name: str, run: int) -> None:
        """Rename: the earlier results aside, the new ones to their place. Done before, or half of it, it goes on."""
        new, old, place = self.folder(name, run), self._old(name, run), self.results(name)
        self._withdraw(name, run)
        if not (new / "summary.json").exists():
            return
        if place.exists() or place.is_symlink():
            if old.exists():  # somebody made the folder anew between two renames
                self.keep_foreign(old, new)
                remove(old)
            place.rename(old)
        place.parent.mkdir(exist_ok=True)
        new.rename(place)
        sync_folder(place.parent)
        sync_folder(self.output)
        sync_folder(self.work)

    def clean(self, name: str, run: int) -> None:
        """Remove what an attempt whose results are in their place, or which has none, has left.

        What cannot be removed now is a leftover, and is removed another time.
        """
        old, new, place = self._old(name, run), self.folder(name, run), self.results(name)
        with suppress(OSError):
            if place.is_dir():
                self.keep_foreign(old, place)
                if not self.earlier.keep(old, name):
                    self.logs.keep(old, name, run_of(old))
                    remove(old)
            elif old.exists():
                old.rename(place)
            if new.exists():
                self.logs.keep(new, name, run)
                remove(new)
            self._clean_away(name, run)
            remove(self.parts(name, run))
            for outcome in (self.outcome_path(name, run), self.outcome_path(name, run).with_suffix(".json.part")):
                outcome.unlink(missing_ok=True)

    def _clean_away(self, name: str, run: int) -> None:
        """The order first: who comes for it later finds none, and whoever carries it out sees that it is not wanted."""
        away = self.away(name, run)
        if not away.exists():
            return
        self._withdraw(name, run)
        for execution in away.iterdir():
            if execution.is_dir():
                self.logs.keep(execution, name, run)
        remove(away)

    def _withdraw(self, name: str, run: int) -> None:
        """What is over elsewhere, or not wanted, is not to be done there once more."""
        (self.away(name, run) / ORDER).unlink(missing_ok=True)

    def leftovers(self) -> list[Leftover]:
        """The attempts of which there is something in the work folder."""
        if not self.work.exists():
            return []
        matches = (LEFTOVER.fullmatch(entry.name) for entry in self.work.iterdir())
        left = {Leftover(from_one_name(m["name"]), int(m["run"])) for m in matches if m}
        return sorted(left, key=lambda x: (x.name, x.run))

    def _old(self, name: str, run: int) -> Path:
        return self.work / f"{in_one_name(name)}.{run}.old"

    def keep_foreign(self, old: Path, place: Path) -> None:
        """Take files along that somebody else has put beside the results."""
        if not old.is_dir() or old.is_symlink():
            return
        for entry in list(old.iterdir()):
            if not is_ours(entry.name) and not (place / entry.name).exists() and not entry.name.startswith("."):
                entry.rename(place / entry.name)


def is_ours(name: str) -> bool:
    """A file or folder of results that we write."""
    return name in OURS or BY_WAVELENGTH.fullmatch(name) is not None


def parts_of(folder: Path) -> Path:
    """Where the work of an attempt that writes to a work folder is shared."""
    return folder.with_name(f"{folder.name}.parts")


def home_of(folder: Path) -> Path:
    """Where the results of a work folder OUTPUT/.autoproc/work/NAME.RUN will be in the end: OUTPUT/NAME."""
    return folder.absolute().parents[2] / from_one_name(folder.name.rpartition(".")[0])


def remove(path: Path) -> None:
    """Remove a folder or whatever has its name, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_outcome(path: Path, outcome: dict[str, Any]) -> None:
    """Keep an outcome: whole and on the disk, or not at all."""
    part = path.with_suffix(".json.part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(outcome, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_folder(path.parent)


def sync_tree(folder: Path) -> None:
    """See to it that all files below a folder are on the disk, so that a power cut leaves none of them empty."""
    for directory, _, names in os.walk(folder):
        for name in names:
            sync_folder(Path(directory) / name)
        sync_folder(Path(directory))


def sync_folder(path: Path) -> None:
    """Put a folder's entries, or a file's content, on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot do it for folders
            os.fsync(number)
    finally:
        os.close(number)
