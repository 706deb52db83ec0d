"""How long, how much and how many: what one visitor, or a program gone wrong, may take of the server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 500
"""Connections at a time, a page that listens having one: more browsers than a beamline has, and half of the files that
a program may have open."""
LARGEST_HEAD = 1 << 15
"""Bytes of a request's line and headers: addresses of pages have 2 kB at most, cookies of a whole machine's servers
some more."""
SLOWEST_HEAD = 15.0
"""Seconds for a request's line and headers to come in whole: browsers send them in one packet."""
IDLE = 10.0
"""Seconds for which a connection is kept that asks for nothing."""
LEAVING = 1
"""Seconds to wait for browsers that still listen when the server ends."""
WAITING = 128
"""Connections that the system keeps until they are taken."""


class PatientProtocol(H11Protocol):
    """HTTP for clients that say what they want within a time; uvicorn itself would wait for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request is waited for."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Some of a request has come."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(SLOWEST_HEAD, self._give_up)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """A server that lets those go who listen, before it waits for answers that are being made."""

    def __init__(self, config: uvicorn.Config, dismiss: Callable[[], None]) -> None:
        super().__init__(config)
        self._dismiss = dismiss

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The server ends."""
        self._dismiss()
        await super().shutdown(sockets)


def server_of(app: ASGIApp, **changes: Any) -> uvicorn.Server:
    """A server with these limits. Who comes from where is for guard.py alone: no header changes that before it.

    app : with a function `dismiss`, if some listen to it without end
    """
    settings: dict[str, Any] = {
        "log_level": "warning", "access_log": False, "lifespan": "auto", "ws": "none", "http": PatientProtocol,
        "loop": "asyncio", "proxy_headers": False, "server_header": False, "limit_concurrency": MOST_CONNECTIONS,
        "h11_max_incomplete_event_size": LARGEST_HEAD, "timeout_keep_alive": int(IDLE),
        "timeout_graceful_shutdown": LEAVING,
    }  # fmt: skip
    return _Server(uvicorn.Config(app, **settings | changes), getattr(app, "dismiss", lambda: None))


def serve_on(listener: socket.socket, app: ASGIApp) -> None:
    """Serve until Ctrl-C."""
    server_of(app).run(sockets=[listener])
