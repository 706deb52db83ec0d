"""The keys of the pages: of the link that lets a browser in once, of browsers that came by it, of programs.

They are made with a secret that lies beside the queue, for its owner alone: browsers are known after a restart.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer

from autoproc.errors import InputError
from autoproc.service.results.outputs import Outputs

SECRET = "serve.secret"
SECRET_BYTES = 32
LONGEST_SECRET = 1000
LONGEST_TOKEN = 500
"""Letters of a token or cookie: ours have a third of it."""
DAYS = 30
"""Days for which a browser is known."""
MOST_LEFT = 10_000
"""Browsers remembered as having left."""


class UnsafeSecret(InputError):
    """The secret could be known to others, so that anybody could make himself a cookie."""

    what = "{path}, with which browsers are told from strangers, is not safe: {reason}"
    hint = "remove it and start `autoproc serve` again, which makes a new one; browsers then need a new link"


class Keys:
    """The keys; secret : the same after a restart; on_use : told when the link was used, and another is to be had."""

    def __init__(self, secret: str, on_use: Callable[[], None] = lambda: None) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="autoproc pages")
        self._secret = secret.encode()
        self._left: dict[str, None] = {}
        self.on_use = on_use
        self.token = secrets.token_urlsafe(24)
        self.cookie_name = f"autoproc_{self._mac('cookie')[:10]}"
        """One a folder: all servers of a machine share a browser's cookies, whatever their ports."""
        self.program_key = self._mac("program")
        """Lets programs in, which send it as a bearer token."""

    def _mac(self, text: str) -> str:
        return hmac.new(self._secret, text.encode("utf-8", "replace"), "sha256").hexdigest()

    def exchange(self, token: str) -> str | None:
        """A cookie for the token, which is worth nothing afterwards; None for any other."""
        if not is_same_key(token, self.token):
            return None
        self.token = secrets.token_urlsafe(24)
        self.on_use()
        return self._signer.dumps({"browser": secrets.token_hex(8)})

    def knows(self, cookie: str) -> bool:
        """A cookie that was given out here, not too long ago, to a browser that has not left."""
        browser = self._browser(cookie)
        return browser is not None and browser not in self._left

    def _browser(self, cookie: str) -> str | None:
        """Its number, which is the same however the cookie is spelt."""
        if not cookie or len(cookie) > LONGEST_TOKEN:
            return None
        try:
            return str(self._signer.loads(cookie, max_age=DAYS * 86400)["browser"])
        except BadData:
            return None

    def leave(self, cookie: str) -> None:
        """The browser with a cookie is not known any more, nor is anybody who has a copy of it."""
        browser = self._browser(cookie)
        if browser is None:
            return
        if len(self._left) >= MOST_LEFT:
            del self._left[next(iter(self._left))]
        self._left[browser] = None

    def knows_program(self, key: str) -> bool:
        """The key of programs."""
        return is_same_key(key, self.program_key)

    def form_token(self, whose: str) -> str:
        """What a form of ours sends along, which no page of strangers knows; whose : cookie or user."""
        return self._mac(f"form {whose}")


def is_same_key(given: str, right: str) -> bool:
    """They are the same; how long it takes to tell does not say how far they are."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def keys_of(outputs: Outputs) -> Keys:
    """The keys of a folder of results, whose secret is made when there is none. Raises OSError or UnsafeSecret."""
    path = outputs.state / SECRET
    if not os.path.lexists(path):
        _make(path)
    return Keys(read_secret(path))


def _make(path: Path) -> None:
    """Whole or not at all, and never over one that another program has made meanwhile."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(number, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES))
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()


def read_secret(path: Path) -> str:
    """A secret that nobody but its owner, who we are, can have read or written. Raises UnsafeSecret or OSError."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UnsafeSecret(path=path, reason=error.strerror) from error
    try:
        status = os.fstat(number)
        is_file = stat.S_ISREG(status.st_mode)
        secret = os.read(number, LONGEST_SECRET).decode("utf-8", "replace").strip() if is_file else ""
    finally:
        os.close(number)
    if reason := _what_is_wrong(status, secret):
        raise UnsafeSecret(path=path, reason=reason)
    return secret


def _what_is_wrong(status: os.stat_result, secret: str) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if status.st_uid != os.geteuid():
        return f"it belongs to another user (number {status.st_uid})"
    if status.st_mode & 0o077:
        return f"others may use it (mode {status.st_mode & 0o777:o})"
    if len(secret) < SECRET_BYTES:
        return "it is too short to be one"
    return ""
