"""The application: pages, events and files of one folder of results."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.resources import as_file, files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from autoproc.dashboard import api, image_pages, lattice_pages, request_pages, sweep_pages, visit_pages
from autoproc.dashboard.feed import Feed
from autoproc.dashboard.guard import Guard, Keys
from autoproc.dashboard.health import health
from autoproc.dashboard.news import news_of
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.reader import QueueReader
from autoproc.dashboard.thumbnails import FOLDER, Thumbnails
from autoproc.dashboard.troubles import told
from autoproc.dashboard.website import Site, Visit
from autoproc.errors import AutoprocError
from autoproc.service.outputs import Outputs
from autoproc.service.queue_file import queue_there
from autoproc.viewing.subject import Subject, subject_of_results

SECRET = "serve.secret"
"""Beside the queue, for its owner alone: what cookies are signed with, so that browsers are known after a restart."""

ROOMS = (
    visit_pages,
    request_pages,
    image_pages,
    lattice_pages,
    sweep_pages,  # takes any address below /sweeps that none before it takes
    api,
)


def dashboard(outputs: Outputs, params: ServeParams, keys: Keys) -> Starlette:
    """The application for a folder of results that has a queue."""
    reader = QueueReader(lambda: queue_there(outputs))
    visit = Visit(outputs, reader, Feed(reader, news_of), Thumbnails(outputs.state / FOLDER))
    folder = outputs.output.absolute()
    title = f"{folder.parent.name}/{folder.name}".strip("/")
    site = Site(title, params, lambda name: subject_of_results(name, outputs.results(name)), visit)
    routes = [route for room in ROOMS for route in room.routes]
    return _application(site, keys, routes, visit)


def file_viewer(subject: Subject, params: ServeParams, keys: Keys) -> Starlette:
    """The application that shows files which a user has named."""
    routes = [Route("/", image_pages.to_images), *image_pages.file_routes, *lattice_pages.file_routes]
    return _application(Site(subject.title, params, lambda _: subject), keys, routes, None)


def _application(site: Site, keys: Keys, routes: Sequence[BaseRoute], visit: Visit | None) -> Starlette:
    with as_file(files("autoproc.dashboard").joinpath("static")) as static:
        shared = [Route("/healthz", health), Mount("/static", StaticFiles(directory=static))]
    app = Starlette(
        routes=[*routes, *shared],
        middleware=[Middleware(Guard, params=site.params, keys=keys)],
        exception_handlers={AutoprocError: told},
        lifespan=None if visit is None else _watching(visit),
    )
    app.state.site = site
    return app


def _watching(visit: Visit) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(visit.feed.watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            visit.thumbnails.close()
            visit.reader.close()

    return watching


def keys_of(outputs: Outputs) -> Keys:
    """The keys of a folder of results, whose secret is made when there is none. Raises OSError."""
    path = outputs.state / SECRET
    with suppress(FileExistsError), open(path, "x", opener=_for_owner) as file:
        file.write(secrets.token_urlsafe(32))
    return Keys(path.read_text())


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
