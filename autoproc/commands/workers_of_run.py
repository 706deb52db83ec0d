"""Commands of programs that work for `autoproc run`: `autoproc worker` elsewhere, and those that it begins itself.

Nothing is loaded here but what declares them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_workers(app: typer.Typer) -> None:
    """Add them to the program."""
    app.command("worker", short_help="Work for an `autoproc run` on another machine.")(_worker)
    for name, command in (("_work", _work), ("_execute", _execute), ("_probe", _probe), ("_beamline", _beamline)):
        app.command(name, hidden=True)(command)


def _worker(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of the results of `autoproc run`.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of parameters.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", "-j", help="Cores to work with.", min=1)] = None,
) -> None:
    """Process sweeps for an `autoproc run` on another machine that has service.executor=workers.

    The folder of the results, the images and this program must have the same paths here as there. Start it on as many
    machines as you like; Ctrl-C stops it, and what it was at is begun again elsewhere.
    """
    from autoproc.commands.worker import worker_command  # noqa: PLC0415

    worker_command(results, config, threads)


def _work(reports: int) -> None:
    """Be a worker process of `autoproc run`."""
    from autoproc.commands.work import work_command  # noqa: PLC0415

    work_command(reports)


def _execute(away: str) -> None:
    """Carry out the order in a folder, as a job of a scheduler."""
    from autoproc.commands.work import execute_command  # noqa: PLC0415

    raise typer.Exit(execute_command(away))


def _probe(connection: int) -> None:
    """Be a probing process of `autoproc run`."""
    from autoproc.commands.probe import probe_command  # noqa: PLC0415

    probe_command(connection)


def _beamline(
    folder: Path,
    beside: Annotated[int, typer.Option("--beside")],
    rate: Annotated[float, typer.Option("--rate")],
) -> None:
    """Be the simulated beamline of `autoproc demo`."""
    from autoproc.commands.beamline import beamline_command  # noqa: PLC0415

    beamline_command(folder, rate, beside)
