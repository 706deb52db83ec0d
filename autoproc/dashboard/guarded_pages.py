"""An application of pages: whatever it shows stands behind its guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.resources import as_file, files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from autoproc.dashboard import style
from autoproc.dashboard.access.guard import Guard
from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.access.own_visits import OwnVisits
from autoproc.dashboard.access.part_of_site import PartOfSite, with_rights
from autoproc.dashboard.health import health
from autoproc.dashboard.troubles import HANDLERS
from autoproc.dashboard.viewers import one_script
from autoproc.dashboard.website import Visit, Website


class GuardedPages(Starlette):
    """An application behind its guard, which stands before all of it: also errors that nobody foresaw go out by it."""

    def __init__(self, site: Website, keys: Keys, routes: Sequence[BaseRoute], own_visits: OwnVisits | None) -> None:
        self._guard = Guard(self._behind_guard, site.params, keys)
        self._behind: ASGIApp | None = None
        self._visit, self._own_visits = site.visit, own_visits
        super().__init__(
            routes=[with_rights(route) for route in (*routes, *_shared())],
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


def _shared() -> list[BaseRoute]:
    with as_file(files("autoproc.dashboard").joinpath("static")) as static:
        rest = Mount("/static", StaticFiles(directory=static))
        return [Route("/healthz", health), *style.routes, *one_script.routes, rest]


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
