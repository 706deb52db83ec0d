"""A page about files that a user has named, served to one browser until Ctrl-C."""

from __future__ import annotations

import secrets

import typer

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.file_viewer import file_viewer, make_ahead
from autoproc.dashboard.listening import address_of, listening
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.patience import serve_on
from autoproc.viewing.subject import Subject


def show_files(subject: Subject, page: str, params: ServeParams, own_port: bool = False) -> None:
    """Serve a page of the viewer of files, and print the link that lets a browser in. Raises what listening raises.

    own_port : the port of params is taken; otherwise any that is free, so that viewers stand beside one another
    """
    keys = Keys(secrets.token_urlsafe(32))
    params = params if own_port else params.model_copy(update={"port": 0})
    app = file_viewer(subject, params, keys)
    with listening(params) as listener:
        address = address_of(listener, params)
        keys.on_use = lambda: typer.echo(f"for another browser: {address}/{page}?token={keys.token}")
        typer.echo(f"{address}/{page}?token={keys.token}")
        make_ahead(app, page)
        serve_on(listener, app)
