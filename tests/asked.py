"""Applications asked as a server asks them, with addresses that no client library would send."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

LISTENING = 0.6
"""Seconds for which an answer is listened to that does not end by itself: longer than pages are told nothing."""
PATIENCE = 30.0
"""Seconds after which what somebody listens for does not come any more."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> bytes:
        """The body, and what is packed in it."""
        if not zipfile.is_zipfile(io.BytesIO(self.body)):
            return self.body
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            return b"".join([self.body, *(archive.read(name) for name in archive.namelist())])


async def ask(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    client: tuple[str, int] | None = ("127.0.0.1", 5),
    host: str = "127.0.0.1",
    until: Callable[[bytes], bool] | None = None,
) -> Answer:
    """Ask for a path as it stands in a request's first line, ASCII with % and a query.

    until : whether what has come so far is enough of an answer that does not end by itself
    """
    raw, _, query = path.partition("?")
    sent = [(b"host", host.encode()), *((key.encode(), value.encode("latin-1")) for key, value in headers)]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": unquote(raw), "raw_path": raw.encode(), "query_string": query.encode(),
        "headers": sent, "client": client, "server": ("127.0.0.1", 80), "root_path": "", "state": {},
    }  # fmt: skip
    told: list[dict] = []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict:
        if messages:
            return messages.pop()
        ending = time.monotonic() + (LISTENING if until is None else PATIENCE)
        while time.monotonic() < ending and not (until is not None and until(body_of(told))):
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        told.append(message)

    await app(scope, receive, send)
    start = told[0]
    got = {key.decode().lower(): value.decode("latin-1") for key, value in start["headers"]}
    return Answer(start["status"], got, body_of(told))


def body_of(told: Sequence[dict]) -> bytes:
    """What messages of an application say after its headers."""
    return b"".join(message.get("body", b"") for message in told[1:])


@asynccontextmanager
async def running(app: Starlette):
    """An application between its start and its end."""
    async with app.router.lifespan_context(app):
        yield app


def paths_of(app: Starlette, values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """A path and method of each route, with values for what is in braces; of another name: 0."""
    for route in _routes(app.routes):
        path = route.path
        for name in route.param_convertors:
            before, _, rest = path.partition("{" + name)
            path = before + values.get(name, "0") + rest.partition("}")[2]
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield path, method


def _routes(routes: Sequence[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route):
            yield route
        else:
            assert isinstance(route, Mount), route
            assert route.path == "/static", "what is behind a mount is not walked"
