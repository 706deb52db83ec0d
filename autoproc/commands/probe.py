"""`autoproc _probe`: a probing process of `autoproc run`; not for people."""

from __future__ import annotations

import socket


def probe_command(connection: int) -> None:
    """Answer questions about files on the socket of this number."""
    from autoproc.service.probing.probe_process import restrict, serve  # noqa: PLC0415  (loads what reads images)

    with socket.socket(fileno=connection) as asking:
        serve(asking, restrict)
