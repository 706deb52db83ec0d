"""Forms by which something is asked for of a sweep."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autoproc.dashboard.kept_back import words_for
from autoproc.dashboard.pages import page
from autoproc.dashboard.sweep_address import address
from autoproc.dashboard.sweep_form import answered, form_for
from autoproc.dashboard.website import visit_of
from autoproc.dashboard.wishes import VERBS, reprocess
from autoproc.errors import AutoprocError
from autoproc.service.job_queue.jobs import UnknownSweep
from autoproc.service.processing.choose_results import choose


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
        return page(request, "reprocess.html", job=job, form=form_for(job), error=None)
    posted = await request.form()
    form, changes = answered(job, {key: value for key, value in posted.items() if isinstance(value, str)})
    if not form.is_good:
        return page(request, "reprocess.html", 400, job=job, form=form, error=None)
    try:
        sees_all = request.scope["viewer"].sees_all
        await reader.ask(lambda queue: reprocess(queue, name, changes, sees_all))
    except UnknownSweep:
        raise
    except AutoprocError as error:
        return page(request, "reprocess.html", 400, job=job, form=form, error=words_for(request, error))
    return RedirectResponse(way_back(posted, address(name)), 303)


async def choose_earlier(request: Request) -> Response:
    """Make earlier results of a sweep those that stand. Raises UnknownSweep or CannotChoose."""
    name, visit = request.path_params["name"], visit_of(request)
    asked = str((await request.form()).get("number", ""))
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    await visit.reader.ask(lambda queue: choose(queue, visit.outputs, name, number))
    return RedirectResponse(address(name), 303)


def way_back(form: FormData, otherwise: str) -> str:
    """Where a form says that it was; never to another server."""
    back = str(form.get("back", ""))
    try:
        parts = urlsplit(back)
    except ValueError:  # no address at all
        return otherwise
    is_ours = back.startswith("/") and not back.startswith("//") and not (parts.scheme or parts.netloc)
    return back if is_ours and "\\" not in back and back.isprintable() else otherwise


routes = [
    *(Route(f"/sweeps/{{name:sweep}}/{verb}", ask, methods=["POST"]) for verb in VERBS),
    Route("/sweeps/{name:sweep}/choose", choose_earlier, methods=["POST"]),
    Route("/sweeps/{name:sweep}/reprocess", ask_anew, methods=["GET", "POST"]),
]
