"""A sweep: its results where it has them, its story, its files, and what can be asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from autoproc.dashboard.files import (
    NotHandedOut,
    ResultFolder,
    earlier_results,
    log_of_attempt,
    pieces,
    results_of,
)
from autoproc.dashboard.pages import page
from autoproc.dashboard.rows import row_of
from autoproc.dashboard.sweep_form import form_for
from autoproc.dashboard.sweep_log import LOG, log_part
from autoproc.dashboard.told import DOWNLOADS, outline, told_by
from autoproc.dashboard.used import used
from autoproc.dashboard.website import visit_of
from autoproc.dashboard.zipped import zipped
from autoproc.reports.in_group import group_of, settled_warnings
from autoproc.service.job_queue.job import Job
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.results.outputs import Outputs
from autoproc.service.status import story_lines
from autoproc.service.visits.changed_since import changed_files

KINDS = {"json": "application/json", "txt": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8"}
"""Shown by browsers; whatever else is kept, and report.html too, whose styles the policy of these pages forbids."""


async def sweep_page(request: Request) -> HTMLResponse:
    """The page of the sweep whose name is in the address, or of results of it that are kept from before."""
    name, visit = request.path_params["name"], visit_of(request)

    def facts(queue: JobQueue) -> dict[str, Any]:
        job = queue.named(name)
        gone = queue.interrupted()
        story = story_lines(job, job.id in gone)
        in_group = {"group": group_of(job.result), "settled": settled_warnings(job.result)}
        return {"job": job, "row": row_of(job, gone), "story": story, "number": queue.changes.latest, **in_group}

    known = await visit.reader.ask(facts)
    processing = _processing(request)
    results = await run_in_threadpool(_results, visit.outputs, known["job"], processing)
    return page(request, "sweep.html", now=time.time(), processing=processing, **known, **results)


def _results(outputs: Outputs, job: Job, processing: int | None) -> dict[str, Any]:
    """What its folder tells, and what there is from before."""
    told = told_by(_folder(outputs, job, processing), job.settings if processing is None else None)
    if told is None and processing is not None:
        raise NotHandedOut(name=job.name, file=f"of processing {processing}")
    kept = []
    for one in outputs.earlier.of(job.name):
        before = outline(earlier_results(outputs, job.name, one.number))
        kept.append({"number": one.number, "set_aside": one.set_aside, "told": before})
    return {
        "told": told,
        "used": [] if told is None else used(told.settings),
        "downloads": DOWNLOADS,
        "kept": kept,
        "changed": changed_files(job, outputs.output) if processing is None else [],
        "form": form_for(job) if processing is None else None,
        "log": log_part(outputs, job) if processing is None else None,
        "attempts": outputs.logs.of(job.name) if processing is None else [],
    }


def _processing(request: Request) -> int | None:
    """Which of the results from before the address asks for; None: those that stand."""
    asked = request.query_params.get("processing", "")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else None


def _folder(outputs: Outputs, job: Job, processing: int | None) -> ResultFolder:
    if processing is None:
        return results_of(outputs, job.name)
    return earlier_results(outputs, job.name, processing)


async def log(request: Request) -> Response:
    """The log from a byte on, as JSON, for a page that follows it."""
    job, outputs = await _job(request), visit_of(request).outputs
    asked = request.query_params.get("from", "")
    begin = int(asked) if asked.isdecimal() and len(asked) < 16 else None
    part = await run_in_threadpool(log_part, outputs, job, begin)
    return JSONResponse({} if part is None else part.facts(), headers={"cache-control": "no-store"})


async def attempt_log(request: Request) -> Response:
    """The log of an attempt that left no results."""
    job, run = await _job(request), request.path_params["run"]
    folder = log_of_attempt(visit_of(request).outputs, job.name, run)
    return await run_in_threadpool(handed_out, folder, LOG)


async def file(request: Request) -> Response:
    """A file of its results."""
    job, path = await _job(request), request.path_params["path"]
    folder = _folder(visit_of(request).outputs, job, _processing(request))
    return await run_in_threadpool(handed_out, folder, path)


async def all_files(request: Request) -> Response:
    """All files of its results as a zip."""
    job = await _job(request)
    folder = _folder(visit_of(request).outputs, job, _processing(request))
    headers = {"content-disposition": _attached(f"{folder.name.replace('/', '_')}.zip"), "cache-control": "no-store"}
    return StreamingResponse(zipped(folder), media_type="application/zip", headers=headers)


def handed_out(folder: ResultFolder, path: str) -> Response:
    """A file as it is sent. Raises NotHandedOut."""
    with ExitStack() as stack:
        opened = stack.enter_context(folder.open(path))
        size = os.fstat(opened.fileno()).st_size
        held = stack.pop_all()

    def sent() -> Iterator[bytes]:
        with held:
            yield from pieces(opened, size)

    name = path.rpartition("/")[2]
    kind = KINDS.get(name.rpartition(".")[2])
    headers = {"content-length": str(size), "cache-control": "no-cache"}
    if kind is None:
        headers["content-disposition"] = _attached(f"{folder.name.replace('/', '_')}_{name}")
    return StreamingResponse(sent(), media_type=kind or "application/octet-stream", headers=headers)


def _attached(name: str) -> str:
    """The header that has a browser keep a file under a name of any letters."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


async def _job(request: Request) -> Job:
    name = request.path_params["name"]
    return await visit_of(request).reader.ask(lambda queue: queue.named(name))


routes = [
    Route("/sweeps/{name:sweep}", sweep_page, name="sweep"),
    Route("/sweeps/{name:sweep}/log", log),
    Route("/sweeps/{name:sweep}/log/{run:int}", attempt_log),
    Route("/sweeps/{name:sweep}/zip", all_files),
    Route("/sweeps/{name:sweep}/files/{path:path}", file),
]
