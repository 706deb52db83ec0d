"""Web servers in front of this one, and what they say of those who come: from nobody else is it believed."""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Scope

from autoproc.dashboard.access.keys import LONGEST_SECRET, UnsafeSecret, is_same_key
from autoproc.dashboard.params import ServeParams

USER, SECRET, SCHEME = "x-remote-user", "x-proxy-secret", "x-forwarded-proto"
"""Headers in which a proxy says who comes, that it is itself, and whether the browser came by TLS."""
LEAST_LETTERS = 16
"""Of a proxy's secret."""


class Proxies:
    """The web servers that are believed. Raises UnsafeSecret where others know how to speak for them."""

    def __init__(self, params: ServeParams) -> None:
        self._networks = [ip_network(text) for text in params.proxy]
        self._is_on_socket = params.socket is not None
        self._secret = None if params.proxy_secret is None else _secret_in(params.proxy_secret)
        self._is_on_loopback = params.is_on_loopback

    def is_one(self, scope: Scope) -> bool:
        """The request comes from one of them: by our socket, or from its address and with its secret."""
        if not (self._is_on_socket or self._is_listed(scope)):
            return False
        return self._secret is None or is_same_key(Headers(scope=scope).get(SECRET, ""), self._secret)

    def is_welcome(self, scope: Scope) -> bool:
        """Somebody of this machine, or a proxy; others of the network have to come by a proxy."""
        if self._is_on_loopback or self._is_listed(scope):
            return True
        address = _address_of(scope)
        return address is not None and address.is_loopback

    def _is_listed(self, scope: Scope) -> bool:
        address = _address_of(scope)
        return address is not None and any(address in network for network in self._networks)


def _address_of(scope: Scope) -> IPv4Address | IPv6Address | None:
    """Where a connection comes from, as the kernel says; IPv4 as itself where it is written as IPv6."""
    try:
        address = ip_address((scope.get("client") or ("",))[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _secret_in(path: Path) -> str:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        secret = file.read(LONGEST_SECRET).decode("utf-8", "replace").strip()
    if mode & 0o007:
        raise UnsafeSecret(path=path, reason=f"every user of this machine may use it (mode {mode & 0o777:o})")
    if len(secret) < LEAST_LETTERS or not secret.isascii() or not secret.isprintable():
        raise UnsafeSecret(path=path, reason=f"it is no line of {LEAST_LETTERS} or more plain letters")
    return secret
