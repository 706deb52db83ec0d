"""`autoproc serve`: the results in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
import uvicorn

from autoproc.commands.job_queue import queue_of
from autoproc.commands.leaving import leaving_well
from autoproc.config import read_config, with_command_line
from autoproc.dashboard.app import dashboard, keys_of
from autoproc.errors import WrongArguments
from autoproc.overrides import split_arguments
from autoproc.service.outputs import Outputs

RESULTS = "autoproc_processed"
"""Where `autoproc run` writes if not told where."""


def serve_command(arguments: Sequence[str], config: Path | None) -> None:
    """Show the pages of a folder of results until Ctrl-C."""
    with leaving_well():
        folders, changes = split_arguments(arguments)
        if len(folders) > 1:
            raise WrongArguments(what_is_wrong="more than one folder of results was given", command="serve")
        output = Path(folders[0] if folders else RESULTS)
        params = with_command_line(read_config(config), changes).serve
        with queue_of(output):
            pass  # it has a queue, or that is said
        outputs = Outputs(output)
        keys = keys_of(outputs)
        app = dashboard(outputs, params, keys)
        server = uvicorn.Server(uvicorn.Config(app, params.host, params.port, log_level="warning", access_log=False))
        typer.echo(f"http://{params.host}:{params.port}/?token={keys.token}")
        server.run()
