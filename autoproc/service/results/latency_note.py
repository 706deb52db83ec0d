"""How long a sweep's results took to come, put into them: known only once they are in their place.

It is what the queue has of the sweep (Job.latency): from the arrival of the last image until the folder of results was
in its place. The files are replaced whole, in the folder that is held, wherever it goes meanwhile.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autoproc.service.results.earlier import run_of
from autoproc.service.results.group_note import held
from autoproc.service.results.sweep_folder import written_whole
from autoproc.wording import WIDTH

DIGITS = 3
"""Of a second: as timings of the stages have."""


def note_latency(place: Path, run: int, latency: float | None, why_none: str) -> None:
    """Say it in the results of an attempt, if these are still in their place; why_none : where there is no such number.

    Raises OSError; a file that is damaged, or not there, stays as it is.
    """
    seconds = None if latency is None else round(latency, DIGITS)
    with held(place) as folder:
        if run_of(folder) != run:
            return
        _change(folder / "summary.json", lambda facts: facts | {"latency": seconds, "no_latency": why_none})
        _change(folder / "ispyb.json", lambda record: _with_latency(record, seconds))
        if (folder / "summary.txt").exists():
            text = (folder / "summary.txt").read_text(encoding="utf-8")
            _replace(folder / "summary.txt", f"{text}\n{latency_in_words(seconds, why_none)}\n")


def latency_in_words(seconds: float | None, why_none: str) -> str:
    """The line of summary.txt."""
    told = f"no such number: {why_none}" if seconds is None else f"{seconds:.1f}"
    return textwrap.fill(f"Seconds from the last image to these results in their place: {told}", WIDTH)


def _with_latency(record: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    program = record["AutoProcProgramContainer"]["AutoProcProgram"]
    program["latency"] = seconds
    return record


def _change(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """A file of JSON, written as it was but for the change."""
    try:
        text = json.dumps(change(json.loads(path.read_bytes())), indent=2, allow_nan=False)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    _replace(path, text + "\n")


def _replace(path: Path, text: str) -> None:
    with written_whole(path) as part, part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
