"""The reciprocal lattice of a sweep, or of the files that a user has named."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from autoproc.dashboard.kept_back import words_for
from autoproc.dashboard.pages import load_template, page
from autoproc.dashboard.sweep_address import address
from autoproc.dashboard.troubles import status_of
from autoproc.dashboard.viewers.one_script import script_address
from autoproc.dashboard.website import Website, subject_in
from autoproc.errors import AutoprocError
from autoproc.legible import legible
from autoproc.models.data_set_names import names_in_group
from autoproc.viewing.lattice_message import lattice_message
from autoproc.viewing.lattice_points import observed_points
from autoproc.viewing.subject import Subject

TEMPLATE = "lattice.html"
PREFERRED = ("refined", "indexed", "strong")
"""Stages whose tables have the spots that are not indexed, the best geometry first; the last of all others after."""

KEPT = 2
"""Messages kept in memory, of at most 50 MB each: a look at another stage and back."""
_made: dict[tuple[Path, str], bytes] = {}
_making = Lock()


async def lattice_page(request: Request) -> HTMLResponse:
    """The viewer, for the stage that the address names or the best that there is."""
    subject = await subject_in(request)
    asked = request.query_params.get("stage", "")
    stage = asked if asked in subject.tables else preferred_stage(subject.tables)
    name = request.path_params.get("name", "")
    sweep = address(name) if name else ""
    return page(
        request,
        TEMPLATE,
        200 if stage else 404,
        name=name,
        title=subject.title,
        sweep=sweep,
        stage=stage,
        stages=tuple(subject.tables),
        script=script_address("lattice"),
        lattices=await run_in_threadpool(lattice_rows, subject, stage),
    )


async def lattice_points_of_stage(request: Request) -> Response:
    """The points of a stage as viewing/lattice_message.py lays them out."""
    subject = await subject_in(request)
    stage = request.query_params.get("stage", "")
    if stage not in subject.tables:
        return PlainTextResponse(f"{subject.title} has no reflections of such a stage", 404)
    version = f'"{subject.version(stage)}"'
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers={"etag": version})
    try:
        message = await run_in_threadpool(message_of_stage, subject, stage)
    except AutoprocError as error:
        words = words_for(request, error)
        return PlainTextResponse(f"{words.message}\n{words.advice}", status_of(error))
    return Response(
        message, media_type="application/octet-stream", headers={"cache-control": "no-store", "etag": version}
    )


def preferred_stage(tables: Mapping[str, object]) -> str:
    """The stage that is shown where none is asked for; "" where there is none."""
    return next((stage for stage in PREFERRED if stage in tables), next(reversed([*tables]), ""))


def message_of_stage(subject: Subject, stage: str) -> bytes:
    """The points of a stage, read and laid out. Raises what reading raises, and MissingColumn.

    One after the other, whoever asks: what one browser has asked for, others have at once, and memory is bounded.
    """
    key = (subject.tables[stage], subject.version(stage))
    with _making:
        if key in _made:
            return _made[key]
        points = observed_points(subject.experiments_of_table(stage), subject.reflections(stage))
        while len(_made) >= KEPT:
            del _made[next(iter(_made))]
        return _made.setdefault(key, lattice_message(points))


def lattice_rows(subject: Subject, stage: str) -> list[dict[str, Any]]:
    """What can be said of the lattices without their spots."""
    if not stage:
        return []
    experiments = subject.experiments_of_table(stage)
    names = names_in_group(experiments) or [""] * len(experiments)
    return [
        {"name": legible(name), "cell": one.crystal.cell, "space_group": one.crystal.space_group.short_name()}
        for name, one in zip(names, experiments, strict=True)
        if one.crystal is not None
    ]


def make_ahead(site: Website) -> None:
    """What the page of files that a user has named asks for first."""
    load_template(TEMPLATE)
    script_address("lattice")
    subject = site.subject("")
    with suppress(AutoprocError):  # the page asks once more, and is told
        message_of_stage(subject, preferred_stage(subject.tables))


file_routes = [
    Route("/lattice", lattice_page, name="lattice"),
    Route("/lattice/points", lattice_points_of_stage),
]
routes = [
    Route("/sweeps/{name:sweep}/lattice", lattice_page, name="lattice"),
    Route("/sweeps/{name:sweep}/lattice/points", lattice_points_of_stage),
]
