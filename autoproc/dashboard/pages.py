"""Pages from templates."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse

from autoproc import __version__
from autoproc.dashboard import words
from autoproc.dashboard.sweep_address import address
from autoproc.dashboard.website import site_of
from autoproc.reports.page import environment

WORDS = ("figure", "cell", "lengths", "angles", "images", "elapsed", "times", "since", "moment", "thousands")
"""Functions of words.py that templates use."""


def page(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A page of the site; its forms have the token that guard.py asks for."""
    body = _environment().get_template(template).render(
        site=site_of(request), form_token=request.scope["form_token"], viewer=request.scope["viewer"],
        has_cookie=request.scope["has_cookie"], version=__version__, **content
    )  # fmt: skip
    return HTMLResponse(body, status)


def fragment(template: str, **content: Any) -> str:
    """A part of a page, the same for all who see it."""
    return _environment().get_template(template).render(**content)


def load_template(template: str) -> None:
    """Have a template ready, and keep it."""
    _environment().get_template(template)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = environment(ChoiceLoader([PackageLoader("autoproc.dashboard"), PackageLoader("autoproc.reports")]))
    made.filters |= {name: getattr(words, name) for name in WORDS} | {"address": address}
    return made
