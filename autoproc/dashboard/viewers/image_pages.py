"""The image viewer: its page and what it asks for, under a sweep and for files that a user has named."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from autoproc.dashboard.pages import load_template, page
from autoproc.dashboard.sweep_address import address
from autoproc.dashboard.viewers import image_data, reflection_data
from autoproc.dashboard.viewers.image_request import prepare
from autoproc.dashboard.viewers.one_script import script_address
from autoproc.dashboard.website import Website, subject_in
from autoproc.errors import AutoprocError

TEMPLATE = "images.html"
DATA = {
    "/facts": image_data.facts,
    "/{image}/facts": image_data.image,
    "/{image}/tiles/{level}/{row}/{column}": image_data.tile,
    "/{image}/reflections": reflection_data.on_image,
    "/{image}/predictions": reflection_data.predicted,
    "/{image}/line": image_data.line,
    "/untrusted": image_data.untrusted,
    "/reflections": reflection_data.listed,
    "/reflections/{row}": reflection_data.one,
}


async def image_page(request: Request) -> HTMLResponse:
    """The page; what it shows is in the query, which it reads itself."""
    subject = await subject_in(request)
    name = request.path_params.get("name", "")
    prepare(request, subject)
    above = address(name) if name else ""
    return page(
        request,
        TEMPLATE,
        title=subject.title,
        above=above,
        script=script_address("image"),
        facts=_facts_address(above, request.query_params),
    )


def _facts_address(above: str, query: Mapping[str, str]) -> str:
    """What the page's script (source.js) asks for first, so that the browser asks for both at once."""
    said = {key: query[key] for key in ("stage", "sweep") if query.get(key, "") not in ("", "0")}
    return f"{above}/images/facts?{urlencode(said)}"


def make_ahead(site: Website) -> None:
    """What the page of files that a user has named asks for first: their first image above all."""
    load_template(TEMPLATE)
    script_address("image")
    subject = site.subject("")
    with suppress(AutoprocError):  # the page asks once more, and is told
        sweep = site.images.sweep(subject, subject.stages[-1])
        sweep.pyramid(sweep.first)


async def to_images(_: Request) -> Response:
    """From the first page, where there are only images."""
    return RedirectResponse("/images")


def _routes(base: str) -> list[Route]:
    return [*(Route(base + path, answer) for path, answer in DATA.items()), Route(base, image_page)]


routes = _routes("/sweeps/{name:sweep}/images")
file_routes = _routes("/images")
