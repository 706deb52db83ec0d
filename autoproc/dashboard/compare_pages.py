"""Two or more results side by side: of several sweeps, or of one that was processed several times.

/compare?of=NAME&of=OTHER/2: the results of NAME that stand, and those of OTHER from processing 2, which are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from autoproc.dashboard.access.own_visits import OwnVisit
from autoproc.dashboard.access.part_of_site import require_images
from autoproc.dashboard.comparison import MOST, Compared, compared_charts, parameters_of, rows_of
from autoproc.dashboard.files import earlier_results, results_of
from autoproc.dashboard.pages import page
from autoproc.dashboard.rows import in_group
from autoproc.dashboard.told import told_by
from autoproc.dashboard.website import visit_of
from autoproc.reports.report_data import report_text
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.sweep_query import SweepQuery
from autoproc.service.results.outputs import Outputs

OFFERED = 300
"""Sweeps that the page offers, the latest first; any other can be typed."""


@dataclass(frozen=True, slots=True)
class AskedResults:
    """Results that the address names; processing : None for those that stand."""

    key: str
    job: Job
    processing: int | None


async def compare_page(request: Request) -> HTMLResponse:
    """The page."""
    visit, own = visit_of(request), request.scope.get("own_visit")
    keys = _keys(request)

    def facts(queue: JobQueue) -> dict[str, Any]:
        processed = SweepQuery(states=(JobState.processed,), most=OFFERED)
        return {
            "asked": [one for key in keys if (one := asked_in(queue, key, own)) is not None],
            "offered": [job.name for job in queue.overview.list.find(processed).jobs],
        }

    known = await visit.reader.ask(facts)
    compared = await run_in_threadpool(_compared, visit.outputs, known["asked"])
    missing = [key for key in keys if key not in {one.key for one in compared}]
    return page(
        request, "compare.html", compared=compared, missing=missing, offered=known["offered"], most=MOST,
        rows=rows_of(compared) if compared else [], parameters=parameters_of(compared),
        sections=compared_charts(compared).sections, query=request.url.query,
    )  # fmt: skip


async def compared_numbers(request: Request) -> Response:
    """The numbers of the page's charts, as plots.json has those of a sweep."""
    visit, own, keys = visit_of(request), request.scope.get("own_visit"), _keys(request)
    asked = await visit.reader.ask(lambda queue: [asked_in(queue, key, own) for key in keys])

    def text() -> str:
        return report_text(compared_charts(_compared(visit.outputs, [one for one in asked if one is not None])))

    return Response(await run_in_threadpool(text), media_type="application/json")


def asked_in(queue: JobQueue, key: str, own: OwnVisit | None = None) -> AskedResults | None:
    """What NAME or NAME/NUMBER means; None where there is no such sweep. No sweep has a slash in its own name.

    own : of a user who may see a part. Raises LinkedElsewhere.
    """
    job, number = queue.by_name(key), ""
    if job is None:
        name, _, number = key.rpartition("/")
        job = queue.by_name(name) if number.isdecimal() and len(number) < 10 else None
    if job is None:
        return None
    require_images(own, job, queue)
    return AskedResults(key, job, int(number) if number else None)


def _keys(request: Request) -> list[str]:
    return list(dict.fromkeys(filter(None, map(str.strip, request.query_params.getlist("of")))))[:MOST]


def _compared(outputs: Outputs, asked: list[AskedResults]) -> list[Compared]:
    """Those that have results."""
    found = []
    for one in asked:
        is_standing = one.processing is None
        folder = results_of(outputs, one.job.name)
        if one.processing is not None:
            folder = earlier_results(outputs, one.job.name, one.processing)
        told = told_by(folder, one.job.settings if is_standing else None)
        if told is not None:
            label = one.job.name if is_standing else f"{one.job.name}, processing {one.processing}"
            found.append(Compared(one.key, label, told, in_group(one.job) if is_standing else {}))
    return found


routes = [Route("/compare", compare_page, name="compare"), Route("/compare/plots.json", compared_numbers)]
