"""Pages from templates."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from autoproc import __version__
from autoproc.dashboard import words
from autoproc.dashboard.website import site_of


def page(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A page of the site; its forms have the token that guard.py asks for."""
    body = _environment().get_template(template).render(
        site=site_of(request), form_token=request.scope["form_token"], version=__version__, **content
    )  # fmt: skip
    return HTMLResponse(body, status)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autoproc.dashboard"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"figure": words.figure, "cell": words.cell, "images": words.images}
    return environment
