"""The image viewer: its page and what it asks for, under a sweep and for files that a user has named."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from autoproc.dashboard.pages import page
from autoproc.dashboard.viewers import image_data, reflection_data
from autoproc.dashboard.viewers.image_request import prepare
from autoproc.dashboard.website import subject_in
from autoproc.dashboard.words import address

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


@lru_cache(maxsize=1)
def _modules() -> list[str]:
    """Names of the viewer's files, which its page asks for at once."""
    folder = files("autoproc.dashboard").joinpath("static", "image")
    return sorted(one.name for one in folder.iterdir() if one.name.endswith(".js"))


async def image_page(request: Request) -> HTMLResponse:
    """The page; what it shows is in the query, which it reads itself."""
    subject = await subject_in(request)
    name = request.path_params.get("name", "")
    prepare(request, subject)
    above = address(name) if name else ""
    return page(request, "images.html", title=subject.title, above=above, modules=_modules())


async def to_images(_: Request) -> Response:
    """From the first page, where there are only images."""
    return RedirectResponse("/images")


def _routes(base: str) -> list[Route]:
    return [*(Route(base + path, answer) for path, answer in DATA.items()), Route(base, image_page)]


routes = _routes("/sweeps/{name:sweep}/images")
file_routes = _routes("/images")
