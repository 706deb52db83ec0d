"""Parts of the reports' style that the pages share with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autoproc.reports.page import style_sheet


def _sheet(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return Response(style_sheet(name), media_type="text/css", headers={"cache-control": "max-age=3600"})

    return answer


routes = [
    Route("/static/colours.css", _sheet("colours.css")),
    Route("/static/drawings.css", _sheet("chart.css")),
]
