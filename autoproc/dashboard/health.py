"""Whether the server can do its work: for whatever starts it again, and looks on."""

from __future__ import annotations

import sqlite3

from starlette.requests import Request
from starlette.responses import JSONResponse

from autoproc.dashboard.website import site_of
from autoproc.errors import AutoprocError


async def health(request: Request) -> JSONResponse:
    """That the server answers, and that the queue is to be read; anybody on this machine may ask."""
    visit = site_of(request).visit
    try:
        if visit is not None:
            await visit.reader.ask(lambda queue: queue.changes.latest)
    except (AutoprocError, sqlite3.Error, OSError):
        return JSONResponse({"status": "the queue cannot be read"}, 503)
    return JSONResponse({"status": "ok"})
