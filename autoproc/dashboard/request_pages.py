"""Forms by which something is asked for of a sweep."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autoproc.dashboard.pages import page
from autoproc.dashboard.website import visit_of
from autoproc.dashboard.wishes import VERBS, as_lines, changes_in, reprocess
from autoproc.dashboard.words import address
from autoproc.errors import AutoprocError
from autoproc.service.jobs import UnknownSweep


async def ask(request: Request) -> Response:
    """Do what a button asks for, and go back to where it was."""
    name, verb = request.path_params["name"], request.url.path.rpartition("/")[2]
    await visit_of(request).reader.ask(lambda queue: VERBS[verb](queue, name))
    return RedirectResponse(way_back(await request.form(), "/"), 303)


async def ask_anew(request: Request) -> Response:
    """The form of parameters to process a sweep with; what is wrong with them is said in it."""
    name, reader = request.path_params["name"], visit_of(request).reader
    job = await reader.ask(lambda queue: queue.named(name))
    if request.method == "GET":
        return page(request, "reprocess.html", job=job, lines=as_lines(job.parameters), error=None)
    form = await request.form()
    lines = str(form.get("parameters", ""))
    try:
        changes = changes_in(lines)
        await reader.ask(lambda queue: reprocess(queue, name, changes))
    except UnknownSweep:
        raise
    except AutoprocError as error:
        return page(request, "reprocess.html", 400, job=job, lines=lines, error=error)
    return RedirectResponse(way_back(form, address(name)), 303)


def way_back(form: FormData, otherwise: str) -> str:
    """Where a form says that it was; never to another server."""
    back = str(form.get("back", ""))
    parts = urlsplit(back)
    is_ours = back.startswith("/") and not back.startswith("//") and not (parts.scheme or parts.netloc)
    return back if is_ours and "\\" not in back and back.isprintable() else otherwise


routes = [
    *(Route(f"/sweeps/{{name:path}}/{verb}", ask, methods=["POST"]) for verb in VERBS),
    Route("/sweeps/{name:path}/reprocess", ask_anew, methods=["GET", "POST"]),
]
