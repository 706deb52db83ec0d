"""`autoproc worker`: sweeps of an `autoproc run` on another machine, processed here."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import typer

from autoproc.commands.leaving import OK, leaving_well
from autoproc.config import read_config, with_threads
from autoproc.errors import InputError
from autoproc.legible import legible
from autoproc.service.daemon import Stop
from autoproc.service.executing.folder_worker import FolderWorker
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.processes.begin_process import launch_worker
from autoproc.service.processes.cores_and_memory import shares
from autoproc.service.results.outputs import Outputs
from autoproc.wording import counted

PATIENCE = 0.25
"""Seconds to wait for news of workers at a time."""
TROUBLE = 5.0
"""Seconds to wait when the folder cannot be read."""


class NoResultsHere(InputError):
    """A folder in which no `autoproc run` has worked."""

    what = "{path} is no folder of results of `autoproc run`, as far as this machine sees"
    hint = "start `autoproc run IMAGES --output {path} service.executor=workers` first, and give its folder here"


def worker_command(results: Path, config: Path | None, threads: int | None) -> None:
    """Take sweeps until it is told to stop."""
    with leaving_well():
        settings = with_threads(read_config(config), threads)
        outputs = Outputs(results.absolute())
        if not outputs.work.is_dir():
            raise NoResultsHere(path=results)
        ours = shares(settings.service, settings.run.n_threads)
        workers = counted(ours.n_workers, "sweep")
        cores = f"{counted(ours.n_threads, 'core')} each"
        typer.echo(f"working on {legible(results)}: {workers} at a time, {cores}; Ctrl-C stops")
        local = LocalExecutor(ours, settings.service, launch_worker)
        stop = Stop()
        with stop.listening(), closing(FolderWorker(outputs, local, lambda line: typer.echo(legible(line)))) as worker:
            work_on(worker, stop)
        raise typer.Exit(OK if stop.signal == signal.SIGTERM else 128 + signal.SIGINT)


def work_on(worker: FolderWorker, stop: Stop) -> None:
    """Work until it is told to stop; a file server that is away for a while is waited for."""
    while not stop.n_asked:
        try:
            worker.turn()
            worker.wait(PATIENCE)
        except OSError as error:  # the edge: file servers go away, and come back
            where = f" ({os.fspath(error.filename)})" if error.filename else ""
            typer.echo(legible(f"the folder cannot be read: {error.strerror or error}{where}; tried again"), err=True)
            worker.wait(TROUBLE)
