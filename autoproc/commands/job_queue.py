"""`autoproc status`, `retry`, `cancel`, `reprocess`: the queue of a folder of results, looked at and changed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, RenderableType

from autoproc.commands.leaving import leaving_well
from autoproc.errors import InputError, WrongArguments
from autoproc.legible import legible, legible_lines
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.queue_file import queue_path, queue_there
from autoproc.service.results.outputs import Outputs
from autoproc.service.status import (
    MOST_ROWS,
    NOBODY,
    Queue,
    changes_since,
    coming_words,
    status_table,
    story_lines,
)  # fmt: skip

REFRESH = 2.0
"""Seconds between two looks at the queue."""
WIDE = 240
"""Columns of the table where it goes to a file."""


class NoQueue(InputError):
    """A folder in which `autoproc run` has not worked."""

    what = "{output} holds no queue"
    hint = "give the folder of the results with --output, as for `autoproc run`"


@contextmanager
def queue_of(output: Path) -> Iterator[JobQueue]:
    """The queue of a folder of results, which must have one."""
    outputs = Outputs(output)
    if not os.path.exists(queue_path(outputs)):  # never raises: anything may be typed
        raise NoQueue(output=output)
    queue = queue_there(outputs)
    try:
        yield queue
    finally:
        queue.close()


def status_command(sweeps: Sequence[str], output: Path, watch: bool, as_json: bool, show_all: bool = False) -> None:
    """Print the queue: a table, a table that is kept up to date, JSON, or the story of some sweeps."""
    with leaving_well(), queue_of(output) as queue:
        queue.programs.listen()
        if as_json:
            typer.echo(json.dumps(_facts(queue, sweeps), indent=2))
        elif sweeps:
            for name in sweeps:
                typer.echo(legible_lines("\n".join(_story(queue, name))))
        elif watch:
            _keep_showing(queue)
        else:
            console = _console()
            most = None if show_all else MOST_ROWS
            console.print(status_table(Queue.of(queue, most), console.width, most=most))


def _facts(queue: JobQueue, sweeps: Sequence[str]) -> list[dict[str, Any]]:
    """All that is known of some sweeps, or of all and of those that are coming."""
    jobs = [queue.named(name) for name in sweeps] or queue.rows()
    gone = queue.interrupted()
    coming = [] if sweeps else [arriving.facts() for arriving in queue.programs.arriving()]
    return [*coming, *(job.facts(job.id in gone) for job in jobs)]


def _console() -> Console:
    """As wide as the terminal, or as COLUMNS says; wide enough for all in a file."""
    is_told = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(file=sys.stdout, width=None if is_told else WIDE, highlight=False)


def _story(queue: JobQueue, name: str) -> list[str]:
    """All that is known of a sweep, or of one that is coming."""
    coming = [arriving for arriving in queue.programs.arriving() if arriving.name == name]
    lines = []
    if not coming or queue.by_name(name) is not None:
        job = queue.named(name)
        lines = story_lines(job, job.id in queue.interrupted(), changes_since([job], queue).get(job.id, ""))
    for arriving in coming:
        words = coming_words(arriving, time.time())
        lines += [
            f"{name}: arriving",
            f"    images   {legible(arriving.path)}, {arriving.n_images} so far",
            f"    {words}",
        ]
    return lines


def _keep_showing(queue: JobQueue) -> None:
    """Until Ctrl-C."""
    from rich.live import Live  # noqa: PLC0415  (only to watch)

    console = _console()

    def table() -> RenderableType:
        return status_table(Queue.of(queue, MOST_ROWS), console.width)

    try:
        with Live(table(), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(REFRESH)
                queue.require_file()
                live.update(table(), refresh=True)
    except KeyboardInterrupt:
        return


def retry_command(sweeps: Sequence[str], output: Path) -> None:
    """Have sweeps tried again that failed, were cancelled or set aside."""
    with leaving_well(), queue_of(output) as queue:
        for name in sweeps:
            _say(queue.retry(name), JobState.queued, "only a sweep without results is tried again; see `reprocess`")
        _say_if_nobody_works(queue)


def cancel_command(sweeps: Sequence[str], output: Path) -> None:
    """Take sweeps out of the queue."""
    with leaving_well(), queue_of(output) as queue:
        for name in sweeps:
            _say(queue.cancel(name), JobState.cancelled, "there is nothing to cancel")


def reprocess_command(arguments: Sequence[str], output: Path) -> None:
    """Have sweeps processed again, with other parameters."""
    with leaving_well():
        from autoproc.overrides import split_arguments  # noqa: PLC0415  (loads pydantic)
        from autoproc.service.processing.order import require_of_sweep  # noqa: PLC0415  (loads every stage)

        names, changes = split_arguments(arguments)
        if not names:
            raise WrongArguments(what_is_wrong="no sweep was named", command="reprocess")
        require_of_sweep(changes)
        with queue_of(output) as queue:
            for name in names:
                _say(queue.reprocess(name, changes), JobState.queued, "it is no sweep")
            _say_if_nobody_works(queue)


def _say_if_nobody_works(queue: JobQueue) -> None:
    """Who asks for something wonders why nothing happens."""
    queue.programs.listen()
    if queue.n_in(JobState.queued) and not queue.programs.is_attended:
        typer.echo(NOBODY)


def _say(job: Job, wanted: JobState, refused: str) -> None:
    if job.state is wanted:
        typer.echo(f"{job.name}: {job.state}")
    else:
        typer.echo(f"{job.name} is {job.state}: {refused}")
