"""A sweep: its results where it has them, its story, and what can be asked for."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from autoproc.dashboard.pages import page
from autoproc.dashboard.rows import row_of
from autoproc.dashboard.website import visit_of
from autoproc.service.jobs import JobQueue
from autoproc.service.status import story_lines


async def sweep_page(request: Request) -> HTMLResponse:
    """The page of the sweep whose name is in the address."""
    name = request.path_params["name"]

    def facts(queue: JobQueue) -> dict[str, Any]:
        job = queue.named(name)
        gone = queue.interrupted()
        return {"row": row_of(job, gone), "story": story_lines(job, job.id in gone), "number": queue.changes.latest}

    return page(request, "sweep.html", **await visit_of(request).reader.ask(facts))


routes = [Route("/sweeps/{name:path}", sweep_page, name="sweep")]
