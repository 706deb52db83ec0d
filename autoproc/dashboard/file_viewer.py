"""The application that shows images and reciprocal lattices of files that a user has named."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.guarded_pages import GuardedPages
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.viewers import image_pages, lattice_pages
from autoproc.dashboard.viewers.image_request import WORKERS
from autoproc.dashboard.website import Website
from autoproc.viewing.subject import Subject

AHEAD = {"images": image_pages.make_ahead, "lattice": lattice_pages.make_ahead}


def file_viewer(subject: Subject, params: ServeParams, keys: Keys) -> Starlette:
    """The application that shows files which a user has named."""
    routes = [Route("/", image_pages.to_images), *image_pages.file_routes, *lattice_pages.file_routes]
    return GuardedPages(Website(subject.title, params, lambda _: subject), keys, routes, None)


def make_ahead(app: Starlette, page: str) -> None:
    """Make what a page, "images" or "lattice", asks for first, in threads: somebody has still to open its link."""
    WORKERS.submit(AHEAD[page], app.state.site)
