"""A page about files that a user has named, served to one browser until Ctrl-C."""

from __future__ import annotations

import secrets

import typer
import uvicorn

from autoproc.dashboard.app import file_viewer
from autoproc.dashboard.guard import Keys
from autoproc.dashboard.params import ServeParams
from autoproc.viewing.subject import Subject


def show_files(subject: Subject, page: str, params: ServeParams, own_port: bool = False) -> None:
    """Serve a page of the viewer of files, and print the link that lets a browser in. Raises OSError.

    own_port : the port of params is taken; otherwise any that is free, so that viewers stand beside one another
    """
    keys = Keys(secrets.token_urlsafe(32))
    config = uvicorn.Config(
        file_viewer(subject, params, keys),
        params.host,
        params.port if own_port else 0,
        log_level="warning",
        access_log=False,
    )
    listening = config.bind_socket()
    port = listening.getsockname()[1]
    typer.echo(f"http://{params.host}:{port}/{page}?token={keys.token}")
    uvicorn.Server(config).run(sockets=[listening])
