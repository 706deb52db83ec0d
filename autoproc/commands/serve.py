"""`autoproc serve`: the results in a browser."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from pathlib import Path

import typer
import uvicorn
from starlette.applications import Starlette

from autoproc.commands.job_queue import queue_of
from autoproc.commands.leaving import leaving_well
from autoproc.config import read_config, with_command_line
from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.guard import Keys
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.standing import who_is_at_work
from autoproc.errors import InputError, WrongArguments
from autoproc.overrides import split_arguments
from autoproc.service.outputs import Outputs

RESULTS = "autoproc_processed"
"""Where `autoproc run` writes if not told where."""
LEAVING = 1
"""Seconds to wait for browsers that still listen when the server ends."""


class PortTaken(InputError):
    """Another program listens where the pages were to be had."""

    what = "port {port} of {host} is taken: another program, perhaps another `autoproc serve`, listens there"
    hint = "end that one, or add serve.port=0, which takes any port that is free"


class NoSuchAddress(InputError):
    """The pages cannot be had where the configuration says."""

    what = "the pages cannot be served at {host}, port {port} ({reason})"
    hint = "set serve.host to an address of this machine, and serve.port to a port that users may take (above 1023)"


def serve_command(arguments: Sequence[str], config: Path | None) -> None:
    """Show the pages of a folder of results until Ctrl-C."""
    with leaving_well():
        folders, changes = split_arguments(arguments)
        if len(folders) > 1:
            raise WrongArguments(what_is_wrong="more than one folder of results was given", command="serve")
        output = Path(folders[0] if folders else RESULTS)
        params = with_command_line(read_config(config), changes).serve
        with queue_of(output) as queue:  # it has one, or that is said
            at_work = who_is_at_work(queue)
        outputs = Outputs(output)
        keys = keys_of(outputs)
        serve(dashboard(outputs, params, keys), params, keys, at_work)


def serve(app: Starlette, params: ServeParams, keys: Keys, remark: str = "") -> None:
    """Print the link that lets a browser in, and serve until Ctrl-C. Raises PortTaken or NoSuchAddress."""
    with listening(params) as listener:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=LEAVING, lifespan="on",
            forwarded_allow_ips=list(params.proxy), server_header=False,
        )  # fmt: skip
        host = f"[{params.host}]" if ":" in params.host else params.host
        typer.echo(f"http://{host}:{listener.getsockname()[1]}/?token={keys.token}")
        if remark:
            typer.echo(remark)
        uvicorn.Server(config).run(sockets=[listener])


def listening(params: ServeParams) -> socket.socket:
    """The socket of the pages. Raises PortTaken or NoSuchAddress."""
    try:
        found = socket.getaddrinfo(params.host, params.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server((params.host, params.port), family=found[0][0], backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host=params.host, port=params.port) from error
        reason = error.strerror or str(error)
        raise NoSuchAddress(host=params.host, port=params.port, reason=reason) from error
