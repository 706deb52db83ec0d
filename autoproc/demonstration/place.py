"""The folder of a demonstration: images, results and what was told, and nothing of anybody else's."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoproc.errors import InputError
from autoproc.service.processes.program import is_dead, this_program

MARK = "demonstration.json"
"""The file that says whose folder it is: only what lies beside it is ever removed."""


class OthersFiles(InputError):
    """A folder that holds something else."""

    what = "{folder} holds files that are not of a demonstration"
    hint = "give a folder that is empty or new with --output"


class IsGoingOn(InputError):
    """Another demonstration writes there."""

    what = "a demonstration is going on in {folder}"
    hint = "end that one, or give another folder with --output"


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The folder, and what is where in it."""

    folder: Path

    @property
    def images(self) -> Path:
        """What the beamline writes."""
        return self.folder / "images"

    @property
    def results(self) -> Path:
        """What the program writes."""
        return self.folder / "processed"

    @property
    def beamline_told(self) -> Path:
        """What the beamline tells."""
        return self.folder / "beamline.jsonl"

    def log(self, who: str) -> Path:
        """What a process has printed."""
        return self.folder / f"{who.rsplit(maxsplit=1)[-1]}.log"


def taken(folder: Path) -> DemoFolder:
    """Take a folder for a demonstration; an earlier one in it is removed.

    Raises OthersFiles, IsGoingOn, and OSError where it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place, mark = DemoFolder(folder), folder / MARK
    if mark.exists():
        if not is_dead(_program_of(mark)):
            raise IsGoingOn(folder=folder)
        for path in (place.images, place.results):
            if path.exists():
                shutil.rmtree(path)
    elif any(folder.iterdir()):
        raise OthersFiles(folder=folder)
    mark.write_text(json.dumps({"program": this_program()}))
    for path in (place.images, place.results):
        path.mkdir()
    place.beamline_told.write_bytes(b"")
    for log in folder.glob("*.log"):
        log.unlink()
    return place


def _program_of(mark: Path) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(mark.read_bytes())["program"])
    return this_program().rpartition(":")[0] + ":"  # of nobody: it may be removed
