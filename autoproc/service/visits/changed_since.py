"""What is to be said of a sweep's parameter files after it was processed: what was ignored, and what was changed since.

A change does nothing by itself: the command that has the sweep processed again is named with it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.visits.parameter_files import SAMPLE, ParameterFile, files_of, places_of

IGNORED = "ignored: "
"""How a warning begins of what a file asks for in vain."""


def files_about(images: Path, visit: str, output: Path, name: str, placed: Path | None = None) -> list[ParameterFile]:
    """The files that say something of a sweep (see `places_of`): facts of its sample, then parameters, nearest last."""
    places = places_of(images, visit, output, name, placed)
    return [*files_of(places, SAMPLE), *files_of(places)]


def changed_files(job: Job, output: Path) -> list[Path]:
    """Parameter files that came, went, or were written anew since a sweep was processed; output : of all results.

    None of a sweep that is to be processed anyway, of results that do not say which files they were made with, and
    while the folder of the images cannot be seen.
    """
    before = job.result.get("visit_files")
    images = Path(job.path)
    if before is None or job.state not in (JobState.processed, JobState.failed) or not os.path.isdir(images.parent):
        return []
    placed = job.result.get("visit_results")
    files = files_about(images, job.visit, output.absolute(), job.name, Path(placed) if placed else None)
    now = {str(file.path): file.digest for file in files}
    return [Path(path) for path in sorted(before.keys() | now.keys()) if before.get(path) != now.get(path)]


def change_in_words(job: Job, changed: Sequence[Path]) -> str:
    """That files were changed, and what to do; "" where none was."""
    if not changed:
        return ""
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]}{more} changed since: `autoproc reprocess {shlex.quote(job.name)}` applies it"


def ignored_by(job: Job) -> list[str]:
    """What its files asked for in vain when it was processed, with file and line."""
    return [warning.removeprefix(IGNORED) for warning in job.result.get("warnings", ()) if warning.startswith(IGNORED)]
