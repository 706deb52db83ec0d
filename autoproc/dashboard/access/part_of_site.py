"""Where rights are applied, for all pages at once: each request is given the site as whoever asks may see it.

No page has to think of it. Whatever it asks of the queue, it finds only what he may see; and where a sweep's name is in
the address, it is not asked at all if he may not see that sweep, or may not ask for what he posts.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from autoproc.dashboard.access.own_visits import OwnVisit, OwnVisits
from autoproc.dashboard.access.viewer import HOLDER
from autoproc.dashboard.website import Website
from autoproc.errors import InputError
from autoproc.formats.confinement import read_for
from autoproc.service.job_queue.job import Job
from autoproc.service.job_queue.jobs import JobQueue

NAME = "name"
"""Of a sweep, in the paths of routes."""


class NotYours(InputError):
    """Somebody asks for something of a sweep that he may see and no more."""

    what = "what is done with {name} is for those to say whose images they are"
    hint = "ask its owner, or somebody of the group of its folder"


class LinkedElsewhere(InputError):
    """Images of a sweep that somebody may see are links into folders that he may not read."""

    what = "images of {name} are links into folders that you may not read"
    hint = "whoever may read the folders that they lead to can let you in"


class PartOfSite:
    """Middleware, behind the guard: who may see a part of the site is given that part."""

    def __init__(self, app: ASGIApp, site: Website, own_visits: OwnVisits | None) -> None:
        self._app, self._site, self._own_visits = app, site, own_visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Those who may see all are given all."""
        if scope["type"] != "http" or scope.get("viewer", HOLDER).sees_all:
            await self._app(scope, receive, send)
        elif self._site.visit is None or self._own_visits is None:
            answer = PlainTextResponse("These files are shown to whoever has the link to them.", 403)
            await answer(scope, receive, send)
        else:
            own = self._own_visits.of(scope["viewer"])
            visit = replace(self._site.visit, reader=own.reader, feed=own.feed)
            scope["own_visit"], scope["site"] = own, replace(self._site, visit=visit)
            with read_for(own.rights.may_read):
                await self._app(scope, receive, send)


class _AboutSweep:
    """A route with a sweep's name in its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own: OwnVisit | None = scope.get("own_visit")
        if own is not None:
            await _require(own, scope)
        await self._app(scope, receive, send)


async def _require(own: OwnVisit, scope: Scope) -> None:
    """Raises UnknownSweep, LinkedElsewhere or NotYours.

    Who may ask for something is given the whole queue, to have it written there.
    """
    name = scope["path_params"][NAME]

    def may_ask(queue: JobQueue) -> bool:
        job = queue.named(name)
        require_images(own, job, queue)
        return own.rights.may_ask(job, queue)

    is_his = await own.reader.ask(may_ask)
    if scope["method"] == "POST":
        if not is_his:
            raise NotYours(name=name)
        scope["site"] = Request(scope).app.state.site


def require_images(own: OwnVisit | None, job: Job, queue: JobQueue) -> None:
    """Raises LinkedElsewhere where not every image of a sweep is one that this user may see; None may see all."""
    if own is not None and not own.rights.may_see_images(job, queue):
        raise LinkedElsewhere(name=job.name)


def with_rights(route: BaseRoute) -> BaseRoute:
    """The same route, which asks for rights where a sweep is named in its path."""
    if not isinstance(route, Route) or NAME not in route.param_convertors:
        return route
    guarded = copy.copy(route)
    guarded.app = _AboutSweep(route.app)
    return guarded
