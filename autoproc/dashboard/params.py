"""Parameters of the pages that `autoproc serve` shows."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from autoproc.params import Params


class ServeParams(Params):
    """Pages of the results in a browser: where they are to be had, and by whom."""

    host: str = "127.0.0.1"
    """Address to listen at. Any other than of this machine itself needs `proxy`, which knows who its users are."""
    port: int = Field(8642, ge=0, le=65535)
    """Port to listen at; 0 takes any that is free."""
    socket: Path | None = None
    """Unix socket to listen at, in place of host and port: for a web server on this machine that tells who a user is.
    Its owner and its group may use it, and whoever may is believed."""
    proxy: tuple[str, ...] = ()
    """Addresses or networks of web servers in front of this one that tell who a user is (X-Remote-User); from others
    that is refused."""
    proxy_secret: Path | None = None
    """File with a secret that those web servers send along (X-Proxy-Secret). Needed where one is on this machine:
    any of its users could come from that address."""
    names: tuple[str, ...] = ()
    """Names under which browsers may ask for the pages, beside those of `host`; with a proxy, its name."""
    staff: str = ""
    """Unix group that may see every sweep and ask for anything. Other users whom a proxy names see the sweeps whose
    images they could read."""

    @property
    def is_on_loopback(self) -> bool:
        """Nobody but users of this machine can reach it."""
        if self.socket is not None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @field_validator("proxy")
    @classmethod
    def _are_addresses(cls, proxy: tuple[str, ...]) -> tuple[str, ...]:
        for text in proxy:
            try:
                network = ip_network(text)
            except ValueError as error:
                raise ValueError(f"proxy {text!r} is no address as 10.0.0.1, and no network as 10.0.0.0/24") from error
            if network.prefixlen == 0:
                raise ValueError(f"proxy {text} is every machine there is, and each would be believed")
        return proxy

    @model_validator(mode="after")
    def _is_not_open(self) -> ServeParams:
        if not self.is_on_loopback and not self.proxy:
            raise ValueError(
                f"host {self.host} is open to other machines, and nobody would ask who comes: set serve.proxy to the "
                "address of a web server that does, or leave serve.host as 127.0.0.1"
            )
        local = [text for text in self.proxy if ip_network(text).is_loopback]
        if local and self.proxy_secret is None:
            raise ValueError(
                f"proxy {local[0]} is this machine, any user of which could say who he likes to be: set "
                "serve.proxy_secret to a file that only the web server and this program may read, or use serve.socket"
            )
        return self
