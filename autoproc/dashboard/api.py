"""The same for programs: JSON, and the events as they happen."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from autoproc.dashboard.visit_pages import query_of, visit_facts
from autoproc.dashboard.website import visit_of


async def sweeps(request: Request) -> JSONResponse:
    """The sweeps that the address asks for, as the visit's page has them."""
    query = query_of(request)
    return JSONResponse(await visit_of(request).reader.ask(lambda queue: visit_facts(queue, query)))


async def events(request: Request) -> StreamingResponse:
    """Server-sent events: sweeps that have changed, from the last that the browser has seen on."""
    seen = request.headers.get("last-event-id") or request.query_params.get("after", "")
    follow = visit_of(request).feed.follow(int(seen) if seen.isdecimal() else None)
    return StreamingResponse(follow, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def health(_: Request) -> JSONResponse:
    """That the server answers."""
    return JSONResponse({"status": "ok"})


routes = [Route("/api/sweeps", sweeps), Route("/api/events", events)]
