"""Who may see the pages, and what browsers are told that they may do with them.

A link with a token, which `autoproc serve` prints, is turned into a cookie once; whoever has the cookie is in. A web
server in front, where one is configured, says who comes instead. Requests for another host's name are refused (they
come from pages of strangers whose name was made to lead here), as are posts without the token of a form of ours.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autoproc.dashboard.access.keys import DAYS, Keys, is_same_key
from autoproc.dashboard.access.proxies import SCHEME, SECRET, USER, Proxies
from autoproc.dashboard.access.viewer import HOLDER, People, Viewer
from autoproc.dashboard.params import ServeParams
from autoproc.legible import legible

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with "no-referrer" browsers would not say that our forms are ours (Origin)
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
OPEN = ("/healthz",)
"""What anybody on this machine may ask."""
LEAVE = "/leave"
LARGEST_POST = 1 << 18
"""Bytes of a post: a form with every parameter has a tenth of it."""
SLOWEST_POST = 20.0
"""Seconds for a post to come in whole: a slow line brings the largest in five."""
MOST_FIELDS = 1000
TOKEN_FIELD = "form_token"
TOKEN_HEADER = "x-form-token"
SAFE, METHODS = ("GET", "HEAD"), ("GET", "HEAD", "POST")
ONCE = ("host", "origin", "content-type", "authorization", "sec-fetch-site", TOKEN_HEADER, USER, SECRET, SCHEME)
"""Headers that decide something: where one is there twice, who knows which of them others have read."""
HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who is let in. form_token : what his forms send along; None for a program, which no page can misuse."""

    viewer: Viewer
    form_token: str | None
    cookie: str = ""


class Guard:
    """Middleware: lets in who may come, and sends the headers along. Raises UnsafeSecret."""

    def __init__(self, app: ASGIApp, params: ServeParams, keys: Keys) -> None:
        self._app, self._keys = app, keys
        self._proxies, self._people = Proxies(params), People(params.staff)
        local = ("localhost", "127.0.0.1", "::1") if params.is_on_loopback else ()
        self._names = {_canonical(name) for name in (params.host, *params.names, *local)} - {"0.0.0.0", "::"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of the pages where nobody may see them."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answered(scope, receive, _with_headers(send))

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = self._no_question(request)
        if answer is None and scope["path"] not in OPEN:
            known = await self._who(request)
            if isinstance(known, Response):
                answer = known
            else:
                scope["viewer"], scope["form_token"] = known.viewer, known.form_token or ""
                scope["has_cookie"] = bool(known.cookie)
                if request.method not in SAFE:
                    body = await self._own_post(request, known)
                    answer = body if isinstance(body, Response) else self._left(scope, known)
                    receive = receive if isinstance(body, Response) else _replayed(body, receive)
        await (answer or self._app)(scope, receive, send)

    def _no_question(self, request: Request) -> Response | None:
        """The answer to what nobody may ask, whoever it is."""
        if request.method not in METHODS:
            return PlainTextResponse("Pages are asked for by GET, and what is to be done by POST.", 405,
                                     {"allow": ", ".join(METHODS)})  # fmt: skip
        if any(len(request.headers.getlist(name)) > 1 for name in ONCE) or not request.scope["path"].startswith("/"):
            return PlainTextResponse("This is no question that a browser asks.", 400)
        host = HOST.fullmatch(request.headers.get("host", ""))
        if host is None or _canonical(host["v6"] or host["name"]) not in self._names:
            return PlainTextResponse("This server has another name.", 421)
        if not self._proxies.is_welcome(request.scope):
            return PlainTextResponse("Come by the web server in front of this one.", 403)
        return None

    async def _who(self, request: Request) -> Admitted | Response:
        """Who asks, or what he is told who is not known."""
        by_proxy = self._proxies.is_one(request.scope)
        if by_proxy and (name := request.headers.get(USER)):
            return await self._user(name)
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if self._keys.knows_program(key.strip()):
                return Admitted(HOLDER, None)
            return PlainTextResponse("This key is not that of `autoproc serve --key`.", 401)
        if request.method == "GET" and "token" in request.query_params:
            return self._welcome(request, by_proxy)
        cookie = request.cookies.get(self._keys.cookie_name, "")
        if self._keys.knows(cookie):
            return Admitted(HOLDER, self._keys.form_token(cookie), cookie)
        return PlainTextResponse("Open the link that `autoproc serve` has printed; `autoproc serve --link` prints it "
                                 "again.", 401)  # fmt: skip

    async def _user(self, name: str) -> Admitted | Response:
        viewer, is_fresh = self._people.remembered(name)
        if not is_fresh:
            viewer = await asyncio.to_thread(self._people.named, name)
        if viewer is None:
            return PlainTextResponse(f"This machine has no user {legible(name[:80])}.", 403)
        return Admitted(viewer, self._keys.form_token(f"user {viewer.name}"))

    def _welcome(self, request: Request, by_proxy: bool) -> Response:
        cookie = self._keys.exchange(request.query_params["token"])
        if cookie is None and not self._keys.knows(request.cookies.get(self._keys.cookie_name, "")):
            return PlainTextResponse("This link was used before; `autoproc serve --link` prints a new one.", 401)
        answer = RedirectResponse(_without_token(request.scope), 303)
        if cookie is not None:
            is_safe = request.scope["scheme"] == "https" or (by_proxy and request.headers.get(SCHEME) == "https")
            answer.set_cookie(
                self._keys.cookie_name, cookie, DAYS * 86400, secure=is_safe, httponly=True, samesite="lax"
            )
        return answer

    async def _own_post(self, request: Request, known: Admitted) -> bytes | Response:
        """What was posted, where a form of ours has sent it and no browser says that it comes from elsewhere."""
        try:
            async with asyncio.timeout(SLOWEST_POST):
                body = await _whole_body(request)
        except TimeoutError:
            return PlainTextResponse("This took too long to come.", 408, {"connection": "close"})
        except ClientDisconnect:
            return PlainTextResponse("", 400)
        if body is None:
            return PlainTextResponse("This is more than any form has.", 413, {"connection": "close"})
        given = request.headers.get(TOKEN_HEADER) or _form_field(body, TOKEN_FIELD)
        is_ours = known.form_token is None or (_is_from_here(request.headers) and is_same_key(given, known.form_token))
        return body if is_ours else PlainTextResponse("This did not come from a page of this server.", 403)

    def _left(self, scope: Scope, known: Admitted) -> Response | None:
        """The answer to somebody who wishes to be known no longer."""
        if scope["path"] != LEAVE:
            return None
        if not known.cookie:
            return PlainTextResponse("Whoever let you in knows you by name: leave there.")
        self._keys.leave(known.cookie)
        answer = PlainTextResponse("This browser is not known any more. `autoproc serve --link` prints a new link.")
        answer.delete_cookie(self._keys.cookie_name, httponly=True, samesite="lax")
        return answer


def _is_from_here(headers: Mapping[str, str]) -> bool:
    """No browser says that another site has made it ask."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


async def _whole_body(request: Request) -> bytes | None:
    """What was posted; None where it is more than any form of ours."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 12 or int(length) > LARGEST_POST:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_POST:
            return None
    return bytes(body)


def _form_field(body: bytes, name: str) -> str:
    """A field of a form; "" where it is not there, or there are more fields than any form of ours has."""
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return ""
    return next((value for key, value in fields if key == name), "")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The same message again for whoever reads it next."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    """Each answer has our headers, and is kept by nobody on the way: another user may not be shown it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers[name] = value
            kept = headers.get("cache-control", "no-cache")
            if "private" not in kept and "no-store" not in kept:
                kept = f"private, {kept}"
            headers["cache-control"] = kept
        await send(message)

    return sending


def _without_token(scope: Scope) -> str:
    """The same address without the token; a path as //name would lead to another server."""
    asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(key, value) for key, value in asked if key != "token"])
    path = "/" + quote(scope["path"].lstrip("/\\"))
    return f"{path}?{query}" if query else path


def _canonical(name: str) -> str:
    """One spelling of an address, or of a name."""
    try:
        return str(ip_address(name))
    except ValueError:
        return name.lower()
