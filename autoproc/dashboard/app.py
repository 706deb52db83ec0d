"""The application: pages, events and files of one folder of results."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.resources import as_file, files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from autoproc.dashboard import api, compare_pages, metrics, request_pages, style, sweep_pages, visit_pages
from autoproc.dashboard.access.guard import Guard
from autoproc.dashboard.access.keys import Keys, keys_of
from autoproc.dashboard.access.own_visits import OwnVisits
from autoproc.dashboard.access.part_of_site import PartOfSite, with_rights
from autoproc.dashboard.feed import Feed
from autoproc.dashboard.health import health
from autoproc.dashboard.news import news_of
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.reader import PATIENCE, QueueReader
from autoproc.dashboard.thumbnails import FOLDER, Thumbnails
from autoproc.dashboard.troubles import HANDLERS
from autoproc.dashboard.viewers import image_pages, lattice_pages
from autoproc.dashboard.website import Site, Visit
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processing.outputs import Outputs
from autoproc.service.queue_file import queue_there
from autoproc.viewing.subject import Subject, subject_of_results

__all__ = ["Pages", "dashboard", "file_viewer", "keys_of"]

ROOMS = (
    visit_pages,
    request_pages,
    style,
    image_pages,
    lattice_pages,
    compare_pages,
    sweep_pages,  # takes any address below /sweeps that none before it takes
    api,
    metrics,
)


class Pages(Starlette):
    """An application behind its guard, which stands before all of it: also errors that nobody foresaw go out by it."""

    def __init__(self, site: Site, keys: Keys, routes: Sequence[BaseRoute], own_visits: OwnVisits | None) -> None:
        self._guard = Guard(self._behind_guard, site.params, keys)
        self._behind: ASGIApp | None = None
        self._visit, self._own_visits = site.visit, own_visits
        super().__init__(
            routes=[with_rights(route) for route in routes],
            middleware=[Middleware(PartOfSite, site=site, own_visits=own_visits)],
            exception_handlers=dict(HANDLERS),
            lifespan=None if site.visit is None else _watching(site.visit, own_visits),
        )
        self.router.redirect_slashes = False  # else addresses without their end lead to http, also behind TLS
        self.state.site = site

    async def _behind_guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._behind is None:
            self._behind = super().build_middleware_stack()
        await self._behind(scope, receive, send)

    def dismiss(self) -> None:
        """Nobody is told any more."""
        if self._visit is not None:
            self._visit.feed.dismiss()
        if self._own_visits is not None:
            self._own_visits.dismiss()

    def build_middleware_stack(self) -> ASGIApp:
        """The guard, and all else behind it."""
        return self._guard


def dashboard(outputs: Outputs, params: ServeParams, keys: Keys) -> Starlette:
    """The application for a folder of results that has a queue. Raises UnsafeSecret."""

    def open_queue() -> JobQueue:
        return queue_there(outputs, PATIENCE)

    reader = QueueReader(open_queue)
    visit = Visit(outputs, reader, Feed(reader, news_of), Thumbnails(outputs.state / FOLDER))
    folder = outputs.output.absolute()
    title = f"{folder.parent.name}/{folder.name}".strip("/")
    site = Site(title, params, lambda name: _subject(outputs, name), visit)
    routes = [route for room in ROOMS for route in room.routes]
    return Pages(site, keys, [*routes, *_shared()], OwnVisits(open_queue, news_of))


def _subject(outputs: Outputs, name: str) -> Subject:
    """What a sweep's results have to show; nothing where they are not in their place but where links lead."""
    folder, top = outputs.results(name), os.path.realpath(outputs.output)
    is_in_place = os.path.realpath(folder) == os.path.join(top, name)
    return subject_of_results(name, folder) if is_in_place else Subject(name)


def file_viewer(subject: Subject, params: ServeParams, keys: Keys) -> Starlette:
    """The application that shows files which a user has named."""
    routes = [Route("/", image_pages.to_images), *image_pages.file_routes, *lattice_pages.file_routes]
    return Pages(Site(subject.title, params, lambda _: subject), keys, [*routes, *_shared()], None)


def _shared() -> list[BaseRoute]:
    with as_file(files("autoproc.dashboard").joinpath("static")) as static:
        return [Route("/healthz", health), *style.routes, Mount("/static", StaticFiles(directory=static))]


def _watching(visit: Visit, own_visits: OwnVisits | None) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(visit.feed.watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            if own_visits is not None:
                await own_visits.close()
            visit.thumbnails.close()
            visit.reader.close()

    return watching
