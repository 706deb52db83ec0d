"""The same for programs: JSON, and the events as they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from autoproc.dashboard.facts import Priority, Reprocess
from autoproc.dashboard.openapi import description
from autoproc.dashboard.rows import row_of
from autoproc.dashboard.visit_address import VisitAddress
from autoproc.dashboard.visit_pages import visit_facts
from autoproc.dashboard.website import visit_of
from autoproc.dashboard.wishes import VERBS, BadBody, prioritise, reprocess
from autoproc.service.job_queue.job import Job
from autoproc.service.job_queue.jobs import JobQueue

MOST_DIGITS = 18
"""Of the number of an event: as many as the queue counts with."""


async def sweeps(request: Request) -> JSONResponse:
    """The sweeps that the address asks for, as the visit's page has them."""
    address = VisitAddress.of(request.query_params)
    return JSONResponse(await visit_of(request).reader.ask(lambda queue: visit_facts(queue, address)))


async def events(request: Request) -> StreamingResponse:
    """Server-sent events: sweeps that have changed, from the last that the browser has seen on."""
    seen = request.headers.get("last-event-id") or request.query_params.get("after", "")
    follow = visit_of(request).feed.follow(int(seen) if seen.isdecimal() and len(seen) <= MOST_DIGITS else None)
    return StreamingResponse(follow, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def sweep(request: Request) -> JSONResponse:
    """All that the queue knows of a sweep."""
    name = request.path_params["name"]

    def facts(queue: JobQueue) -> dict[str, Any]:
        job = queue.named(name)
        return job.facts(job.id in queue.interrupted())

    return JSONResponse(await visit_of(request).reader.ask(facts))


async def openapi(_: Request) -> JSONResponse:
    """The description of this interface."""
    return JSONResponse(description())


async def ask(request: Request) -> JSONResponse:
    """Have a sweep tried again, taken out, processed anew, or processed sooner; answers with its row."""
    name, verb = request.path_params["name"], request.url.path.rpartition("/")[2]
    wish = _wish(verb, await request.body(), request.scope["viewer"].sees_all)

    def done(queue: JobQueue) -> dict[str, Any]:
        job = wish(queue, name)
        return row_of(job, queue.interrupted())

    return JSONResponse(await visit_of(request).reader.ask(done))


def _wish(verb: str, body: bytes, may_name_files: bool) -> Callable[[JobQueue, str], Job]:
    try:
        if verb == "reprocess":
            parameters = Reprocess.model_validate_json(body or b"{}").parameters
            return lambda queue, name: reprocess(queue, name, parameters, may_name_files)
        if verb == "priority":
            priority = Priority.model_validate_json(body or b"{}").priority
            return lambda queue, name: prioritise(queue, name, priority)
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, told['loc']))}: {told['msg']}" for told in error.errors()]
        raise BadBody(reason="; ".join(reasons)) from error
    return VERBS[verb]


routes = [
    Route("/api/sweeps", sweeps),
    Route("/api/events", events),
    Route("/api/openapi.json", openapi),
    *(Route(f"/api/sweeps/{{name:path}}/{verb}", ask, methods=["POST"]) for verb in (*VERBS, "reprocess", "priority")),
    Route("/api/sweeps/{name:path}", sweep),
]
