"""The visit: a row a sweep, as it stands now; kept up to date by events, and whole without them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from autoproc.dashboard.pages import page
from autoproc.dashboard.rows import row_of
from autoproc.dashboard.website import visit_of
from autoproc.service.jobs import JobQueue
from autoproc.service.sweep_query import ORDERS, SweepQuery

PAGE = 100
"""Rows of a page: as many as a browser lays out at once without being slow."""


def query_of(request: Request) -> SweepQuery:
    """What a page's address asks for; what it asks for in error is left out."""
    asked = request.query_params
    number = asked.get("page", "1")
    first = (int(number) - 1) * PAGE if number.isdecimal() and 0 < len(number) < 9 else 0
    order = asked.get("sort", "latest")
    return SweepQuery(
        text=asked.get("q", ""),
        states=tuple(asked.getlist("state")),
        verdicts=tuple(asked.getlist("verdict")),
        visit=asked.get("visit"),
        order=order if order in ORDERS else "latest",
        is_descending=asked.get("way", "down") != "up",
        first=max(0, first),
        most=PAGE,
    )


def visit_facts(queue: JobQueue, query: SweepQuery) -> dict[str, Any]:
    """What the page shows, and from which change on events go on."""
    number = queue.changes.latest
    found = queue.overview.find(query)
    gone = queue.interrupted()
    return {
        "number": number,
        "n_found": found.n_found,
        "rows": [row_of(job, gone) for job in found.jobs],
        "numbers": {str(state): n for state, n in queue.overview.numbers().items()},
        "arriving": [arriving.facts() for arriving in queue.presence.arriving()],
        "is_attended": queue.presence.is_attended,
    }


async def visit_page(request: Request) -> HTMLResponse:
    """The page."""
    query = query_of(request)
    facts = await visit_of(request).reader.ask(lambda queue: visit_facts(queue, query))
    return page(request, "visit.html", query=query, size=PAGE, **facts)


routes = [Route("/", visit_page, name="visit")]
