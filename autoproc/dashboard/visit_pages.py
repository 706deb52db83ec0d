"""The visit: a row a sweep, as it stands now; kept up to date by events, and whole without them."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from autoproc.dashboard.columns import FIGURES, as_csv
from autoproc.dashboard.pages import page
from autoproc.dashboard.rows import row_of
from autoproc.dashboard.visit_address import PAGE, VIEWS, VisitAddress
from autoproc.dashboard.visit_standing import visit_standing
from autoproc.dashboard.website import visit_of
from autoproc.reports.visit_index import MOST_MEMBERS
from autoproc.service.job_queue.jobs import JobQueue

DAY = 86400
NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" fill="none" stroke="#8a949e" stroke-opacity=".35">'
    '<circle cx="24" cy="24" r="4"/><circle cx="24" cy="24" r="11"/><circle cx="24" cy="24" r="18"/></svg>'
)
"""In place of that of a sweep whose images cannot be read now."""
MOST_CSV = 100_000
"""Rows of a table for spreadsheets: more than any visit has."""


def visit_facts(queue: JobQueue, address: VisitAddress) -> dict[str, Any]:
    """What the page shows, and from which change on events go on."""
    number = queue.changes.latest
    gone = queue.interrupted()
    found = queue.overview.list.find(address.query(gone))
    return {
        "number": number,
        "n_found": found.n_found,
        "rows": [row_of(job, gone) for job in found.jobs],
        **visit_standing(queue, gone),
    }


async def visit_page(request: Request) -> HTMLResponse:
    """The page."""
    return await _shown(request, "visit.html")


async def visit_list(request: Request) -> HTMLResponse:
    """What of the page depends on its address, to be put into one that is open."""
    return await _shown(request, "visit_list.html")


async def _shown(request: Request, template: str) -> HTMLResponse:
    address = VisitAddress.of(request.query_params)
    facts = await visit_of(request).reader.ask(lambda queue: visit_facts(queue, address))
    last = max(1, -(-facts["n_found"] // PAGE))
    return page(
        request, template, address=address, views=VIEWS, figures=FIGURES, last=last, page_size=PAGE, now=time.time(),
        most_members=MOST_MEMBERS, **facts,
    )  # fmt: skip


async def visit_csv(request: Request) -> Response:
    """All sweeps that the page's address asks for, as a table."""
    address = VisitAddress.of(request.query_params)

    def table(queue: JobQueue) -> str:
        gone = queue.interrupted()
        jobs = queue.overview.list.find(address.query(gone, 0, MOST_CSV)).jobs
        return as_csv(row_of(job, gone) for job in jobs)

    text = await visit_of(request).reader.ask(table)
    headers = {"content-disposition": 'attachment; filename="sweeps.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def thumbnail(request: Request) -> Response:
    """The picture of the sweep in the address."""
    visit, name = visit_of(request), request.path_params["name"]
    job = await visit.reader.ask(lambda queue: queue.by_name(name))
    picture = None if job is None or job.kind == "combined" else await visit.thumbnails.of(job)
    if picture is None:
        return Response(NO_PICTURE, media_type="image/svg+xml", headers={"cache-control": "private, max-age=60"})
    return Response(picture, media_type="image/png", headers={"cache-control": f"private, max-age={DAY}"})


routes = [
    Route("/", visit_page, name="visit"),
    Route("/list", visit_list),
    Route("/sweeps.csv", visit_csv),
    Route("/sweeps/{name:sweep}/thumbnail.png", thumbnail),
]
