"""Which of a sweep's results stands, where somebody says so: earlier ones change places with those that stand.

What is to be done is written down first (OUTPUT/.autoproc/choosing/NAME.json), and every step may be done again:
whoever finds it after a crash finishes it. Nothing is copied or removed.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from autoproc.errors import InputError
from autoproc.service.groups.grouping import GroupStanding, note_in_results, tell_sweeps
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.results.brief import brief
from autoproc.service.results.earlier import PARAMETERS, run_of
from autoproc.service.results.outputs import Outputs, sync_folder, write_outcome
from autoproc.service.sweeps.sweep_names import from_one_name, in_one_name


class CannotChoose(InputError):
    """Results that cannot become those that stand."""

    what = "processing {number} of {sweep} cannot become the one that stands: {reason}"
    hint = "the page of the sweep lists those that are kept; wait until it is not being processed"


def choose(queue: JobQueue, outputs: Outputs, name: str, number: int) -> Job:
    """Make earlier results those that stand. Raises UnknownSweep, CannotChoose, and OSError with nothing lost."""
    with queue.together():
        job = queue.named(name)
        chosen = outputs.earlier.folder(name, number)
        if not job.state.is_settled or any(left.name == name for left in outputs.leftovers()):
            raise CannotChoose(sweep=name, number=number, reason="it is being processed; wait until that is done")
        if not (chosen / "summary.json").is_file():
            raise CannotChoose(sweep=name, number=number, reason="it is not kept any more")
        _told_by(chosen, name, number)  # before anything is moved
        note = _note(outputs, name)
        note.parent.mkdir(exist_ok=True)
        standing = outputs.results(name)
        aside = outputs.earlier.free_number(standing, name)
        write_outcome(note, {"number": number, "instead_of": _mark(standing), "aside": aside})
        _finish(queue, outputs, job, json.loads(note.read_text(encoding="utf-8")))
    note.unlink()
    return queue.job(job.id)


def finish_choices(queue: JobQueue, outputs: Outputs) -> None:
    """Finish what a program has begun that is gone. Raises OSError."""
    for note in _notes(outputs):
        choice = _read(note)
        with queue.together(), suppress(CannotChoose):  # damaged since: what the queue says of the sweep stays
            job = queue.by_name(from_one_name(note.stem))
            if job is not None and choice is not None:
                _finish(queue, outputs, job, choice)
        note.unlink(missing_ok=True)


def _finish(queue: JobQueue, outputs: Outputs, job: Job, choice: dict[str, Any]) -> None:
    """Change places and say so in the queue; done before, or half of it, it goes on."""
    place, chosen = outputs.results(job.name), outputs.earlier.folder(job.name, choice["number"])
    if chosen.is_dir():
        if os.path.lexists(place):
            if _mark(place) != choice["instead_of"]:
                return  # other results have come since
            outputs.earlier.put_aside(place, job.name, choice["aside"])
        chosen.rename(place)
        sync_folder(chosen.parent)
        sync_folder(place.parent)
    outputs.keep_foreign(outputs.earlier.folder(job.name, choice["aside"]), place)
    if not job.state.is_settled:
        return
    state, figures, settings = _told_by(place, job.name, choice["number"])
    queue.chosen.tell(job.id, state, figures, settings, choice["number"])
    own = {job.name: GroupStanding(run_of(place), None)}  # of whatever group they were: it is made of others now
    note_in_results(outputs, own | tell_sweeps(queue, job, figures))


def _told_by(folder: Path, name: str, number: int) -> tuple[JobState, dict[str, Any], dict[str, Any]]:
    """State, figures for the queue and parameters of results. Raises CannotChoose where they are damaged."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        settings = json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))["settings"] if run_of(folder) else {}
        return JobState(summary["status"]), brief(summary), settings
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"its summary or parameters are damaged ({type(error).__name__})"
        raise CannotChoose(sweep=name, number=number, reason=reason) from error


def _mark(folder: Path) -> list[int]:
    """Tells a folder of results from others that may take its place; a renamed one keeps it."""
    try:
        status = os.stat(folder)
    except OSError:
        return []
    return [status.st_dev, status.st_ino]


def _note(outputs: Outputs, name: str) -> Path:
    return outputs.state / "choosing" / f"{in_one_name(name)}.json"


def _notes(outputs: Outputs) -> list[Path]:
    try:
        return sorted(outputs.state.joinpath("choosing").glob("*.json"))
    except OSError:
        return []


def _read(note: Path) -> dict[str, Any] | None:
    """What a note says; None where it was never whole."""
    try:
        choice: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return choice
