"""Who may see the pages, and what browsers are told that they may do with them.

A link with a token, which `autoproc serve` prints, is turned into a cookie once; whoever has the cookie is in. Requests
for another host's name are refused (they come from pages of strangers whose name was made to lead here), as are posts
without the token of a form of ours.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import parse_qs, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autoproc.dashboard.params import ServeParams

COOKIE = "autoproc"
DAYS = 30
"""Days for which a browser is known."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
OPEN = ("/healthz",)
"""What anybody on this machine may ask."""
LARGEST_POST = 1 << 18
"""Bytes of a post: a form with every parameter has a tenth of it."""
MOST_FIELDS = 1000
TOKEN_FIELD = "form_token"
TOKEN_HEADER = "x-form-token"
SAFE = ("GET", "HEAD", "OPTIONS")


class Keys:
    """The token of the link, and the cookies of those who came by it; secret : the same after a restart."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="autoproc pages")
        self.token = secrets.token_urlsafe(24)

    def exchange(self, token: str) -> str | None:
        """A cookie for the token, which is worth nothing afterwards; None for any other."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        self.token = secrets.token_urlsafe(24)
        return self._signer.dumps({"browser": secrets.token_hex(8)})

    def knows(self, cookie: str) -> bool:
        """A cookie that was given out here, and not too long ago."""
        try:
            self._signer.loads(cookie, max_age=DAYS * 86400)
        except BadSignature:
            return False
        return True

    def form_token(self, cookie: str) -> str:
        """What a form of ours sends along, which no page of strangers knows."""
        return hmac.new(self._signer.secret_keys[-1], f"form {cookie}".encode(), "sha256").hexdigest()


class Guard:
    """Middleware: lets in who may come, and sends the headers along."""

    def __init__(self, app: ASGIApp, params: ServeParams, keys: Keys) -> None:
        self._app, self._params, self._keys = app, params, keys
        local = {"localhost", "127.0.0.1", "::1"} if params.is_on_loopback else set()
        self._names = {params.host, *params.names, *local}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of the pages where nobody may see them."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = self._refused(request)
        if answer is None and request.method not in SAFE:
            body = await _whole_body(request)
            if body is None or not self._is_own_post(request, body):
                answer = PlainTextResponse("This did not come from a page of this server.", 403)
            else:
                receive = _replayed(body, receive)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await (answer or self._app)(scope, receive, with_headers)

    def _refused(self, request: Request) -> Response | None:
        if _host(request.headers) not in self._names:
            return PlainTextResponse("This server has another name.", 421)
        if request.url.path in OPEN:
            return None
        if "token" in request.query_params and request.method == "GET":
            return self._welcome(request)
        cookie = request.cookies.get(COOKIE, "")
        if not self._keys.knows(cookie):
            return PlainTextResponse("Open the link that `autoproc serve` has printed.", 401)
        request.scope["form_token"] = self._keys.form_token(cookie)
        return None

    def _welcome(self, request: Request) -> Response:
        cookie = self._keys.exchange(request.query_params["token"])
        if cookie is None and self._keys.knows(request.cookies.get(COOKIE, "")):
            return RedirectResponse(request.url.path, 303)
        if cookie is None:
            return PlainTextResponse("This link was used before; `autoproc serve` prints a new one.", 401)
        answer = RedirectResponse(request.url.path, 303)
        answer.set_cookie(COOKIE, cookie, max_age=DAYS * 86400, httponly=True, samesite="lax")
        return answer

    def _is_own_post(self, request: Request, body: bytes) -> bool:
        """It has the token of our forms, and no browser says that it comes from elsewhere."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return False
        given = request.headers.get(TOKEN_HEADER) or _form_field(body, TOKEN_FIELD)
        return hmac.compare_digest(given.encode(), request.scope["form_token"].encode())


async def _whole_body(request: Request) -> bytes | None:
    """What was posted; None where it is more than any form of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_POST:
            return None
    return body


def _form_field(body: bytes, name: str) -> str:
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    return fields.get(name, [""])[0]


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


def _host(headers: Headers) -> str:
    """The name that a request is for, without its port."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:  # half a bracket
        return ""
