"""Sweeps while they are collected: what their images show, for pages that ask again and again, and a page of each."""

from __future__ import annotations

import hashlib
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from autoproc.dashboard.live_sweeps import LiveSweep
from autoproc.dashboard.pages import page
from autoproc.dashboard.website import visit_of
from autoproc.errors import InputError


class NotFollowed(InputError):
    """A sweep is asked for that is not followed, or not to be seen: nobody is told which."""

    what = "there is no sweep {key} that is being collected"
    hint = "its images may all be there: the list of all sweeps leads to it"


async def live_sweeps(request: Request) -> Response:
    """All that are followed, as JSON."""
    sweeps = await _shown(request)
    return _answered(request, f'{{"sweeps":[{",".join(one.text for one in sweeps)}]}}', sweeps)


async def live_sweep(request: Request) -> Response:
    """One of them, as JSON."""
    one = await _asked_for(request)
    return _answered(request, one.text, [one])


async def live_page(request: Request) -> HTMLResponse:
    """The page of one, large enough to be read from across the room."""
    one = await _asked_for(request)
    return page(request, "live.html", live=one, now=time.time())


async def _asked_for(request: Request) -> LiveSweep:
    key = request.path_params["key"]
    for one in await _shown(request):
        if one.key == key:
            return one
    raise NotFollowed(key=key[:16])


async def _shown(request: Request) -> list[LiveSweep]:
    """Those that whoever asks may see."""
    visit, own = visit_of(request), request.scope.get("own_visit")
    found = await run_in_threadpool(visit.live.all)
    if own is None or not found:
        return found
    shown: list[LiveSweep] = await own.reader.ask(lambda _: [one for one in found if own.rights.may_see(one.path)])
    return shown


def _answered(request: Request, text: str, sweeps: list[LiveSweep]) -> Response:
    """The text, or that it is what the browser has."""
    mark = hashlib.sha256(repr([(one.key, one.mark) for one in sweeps]).encode()).hexdigest()[:32]
    headers = {"etag": f'"{mark}"', "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type="application/json", headers=headers)


routes = [
    Route("/api/live", live_sweeps),
    Route("/api/live/{key}", live_sweep),
    Route("/live/{key}", live_page),
]
