"""What can be asked for of a sweep: the same from the page and from programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autoproc.errors import InputError
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processing.order import names_files, require_of_sweep


class NotPossible(InputError):
    """Something was asked for that a sweep in its state does not allow."""

    what = "{sweep} is {state}: {reason}"
    hint = "see how it stands on its page or in `autoproc status`, and ask again when that has changed"


class FilesOfOthers(InputError):
    """Somebody who may see a part of the sweeps would have the service read files with its own rights."""

    what = "{names} would have the service read files that are perhaps not yours"
    hint = "ask somebody of the staff (serve.staff) to process {sweep} so"


class BadBody(InputError):
    """JSON that was posted and is not as described."""

    what = "what was posted is not as /api/openapi.json describes it ({reason})"
    hint = "post JSON with the fields that are described there"


class BadParameters(InputError):
    """Parameters that are not written as such."""

    what = "{given!r} is no parameter"
    hint = "write its name, = and its value, for example scale.d_min=1.8"


def retry(queue: JobQueue, name: str) -> Job:
    """Have a sweep tried again that has no results. Raises UnknownSweep or NotPossible."""
    job = queue.retry(name)
    return _in_state(job, JobState.queued, "only a sweep without results is tried again; process it anew instead")


def cancel(queue: JobQueue, name: str) -> Job:
    """Take a sweep out of the queue. Raises UnknownSweep or NotPossible."""
    return _in_state(queue.cancel(name), JobState.cancelled, "there is nothing to cancel")


def reprocess(queue: JobQueue, name: str, changes: Mapping[str, str], may_name_files: bool) -> Job:
    """Process a sweep again, with other parameters.

    may_name_files : he who asks may have any file read that the service can read
    Raises UnknownSweep, NotPossible, FilesOfOthers, NotOfASweep, and what parameters raise.
    """
    require_of_sweep(changes)
    before = queue.named(name).parameters
    new = names_files(require_of_sweep({key: value for key, value in changes.items() if before.get(key) != value}))
    if new and not may_name_files:
        raise FilesOfOthers(names=", ".join(new), sweep=name)
    return _in_state(queue.reprocess(name, changes), JobState.queued, "it is no sweep")


def prioritise(queue: JobQueue, name: str, priority: float | None = None) -> Job:
    """Process a sweep before others that wait, or after. Raises UnknownSweep or NotPossible."""
    job = queue.named(name)
    if not queue.priorities.change(job.id, priority):
        raise NotPossible(sweep=job.name, state=job.state, reason="only a sweep that waits can go before others")
    return queue.job(job.id)


VERBS: Mapping[str, Callable[[JobQueue, str], Job]] = {"retry": retry, "cancel": cancel, "first": prioritise}
"""What can be asked for without saying more."""


def _in_state(job: Job, wanted: JobState, refused: str) -> Job:
    if job.state is not wanted:
        raise NotPossible(sweep=job.name, state=job.state, reason=refused)
    return job


def changes_in(lines: str) -> dict[str, str]:
    """Parameters as a form has them: KEY=VALUE, one a line or with spaces between them. Raises BadParameters."""
    changes: dict[str, str] = {}
    for word in _words(lines):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise BadParameters(given=word)
        changes[key.strip()] = value.strip()
    return changes


def _words(lines: str) -> Sequence[str]:
    """A line is a parameter whose value may have spaces; where it has several equal signs, its words are."""
    found: list[str] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        found += line.split() if line.count("=") > 1 else [line]
    return found


def as_lines(changes: Mapping[str, Any]) -> str:
    """The same as a form shows them."""
    return "\n".join(f"{key}={value}" for key, value in changes.items())
