"""`autoproc serve`: the results in a browser."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer

from autoproc.commands.beside import depend_on
from autoproc.commands.job_queue import queue_of
from autoproc.commands.leaving import OK, leaving_well
from autoproc.config import read_config, with_command_line
from autoproc.dashboard.access.keys import keys_of
from autoproc.dashboard.access.links import LinkFile, links_of
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.listening import NoSuchAddress, NoSuchSocket, PortTaken, address_of, listening
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.patience import serve_on
from autoproc.dashboard.visit_standing import who_is_at_work
from autoproc.errors import InputError, WrongArguments
from autoproc.formats.confinement import may_lead_into
from autoproc.overrides import split_arguments
from autoproc.service.results.outputs import Outputs

RESULTS = "autoproc_processed"
"""Where `autoproc run` writes if not told where."""
BESIDE = 5
"""Added to the niceness of pages beside a run."""


class NothingServed(InputError):
    """A link is asked for of a server that does not run."""

    what = "nobody serves the pages of {output}"
    hint = "`autoproc serve {output}` does, and prints a link"


def serve_command(
    arguments: Sequence[str], config: Path | None, link: bool = False, key: bool = False, beside: int | None = None
) -> None:
    """Show the pages of a folder of results until Ctrl-C; or print a link to those that are shown, or programs' key.

    beside : number of the run that has begun this process: it ends with it, and costs it nothing
    """
    if beside is not None:
        depend_on(beside)
        os.nice(BESIDE)
    with leaving_well():
        folders, changes = split_arguments(arguments)
        if len(folders) > 1:
            raise WrongArguments(what_is_wrong="more than one folder of results was given", command="serve")
        output = Path(folders[0] if folders else RESULTS)
        settings = with_command_line(read_config(config), changes)
        may_lead_into(settings.import_sweep.link_roots)
        params = settings.serve
        with queue_of(output) as queue:  # it has one, or that is said
            at_work = who_is_at_work(queue)
        outputs = Outputs(output)
        if link:
            typer.echo("\n".join(_links(outputs)))
        elif key:
            typer.echo(keys_of(outputs).program_key)
        elif beside is None:
            _serve(outputs, params, at_work)
        else:
            _serve_beside(outputs, params)


def _serve_beside(outputs: Outputs, params: ServeParams) -> None:
    try:
        _serve(outputs, params)
    except (PortTaken, NoSuchAddress, NoSuchSocket) as error:
        typer.echo(f"{error}; the run goes on without its pages", err=True)


def _end(*_: object) -> None:
    raise typer.Exit(OK)


def _links(outputs: Outputs) -> list[str]:
    links = links_of(outputs)
    if not links:
        raise NothingServed(output=outputs.output)
    return links


def _serve(outputs: Outputs, params: ServeParams, remark: str = "") -> None:
    keys, file = keys_of(outputs), LinkFile.of(outputs)
    app = dashboard(outputs, params, keys)
    with listening(params) as listener:
        address = address_of(listener, params)

        def say_link() -> None:
            link = f"{address}/?token={keys.token}"
            typer.echo(link)
            with suppress(OSError):  # a full disk: what is printed has to do
                file.write(link)

        def say_another() -> None:
            typer.echo("a browser has come in by that link; for another one:")
            say_link()

        if address:
            keys.on_use = say_another
            say_link()
        else:
            typer.echo(f"for the web server in front: {params.socket or f'{params.host}, port {params.port}'}")
        if remark:
            typer.echo(remark)
        signal.signal(signal.SIGTERM, _end)  # uvicorn raises it again when it has ended
        try:
            serve_on(listener, app)
        finally:
            file.remove()
            if params.socket is not None:
                params.socket.unlink(missing_ok=True)
