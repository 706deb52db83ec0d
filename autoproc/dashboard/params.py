"""Parameters of the pages that `autoproc serve` shows."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field, model_validator

from autoproc.params import Params


class ServeParams(Params):
    """Pages of the results in a browser: where they are to be had, and by whom."""

    host: str = "127.0.0.1"
    """Address to listen at. Any other than of this machine itself needs `proxy`, which knows who its users are."""
    port: int = Field(8642, ge=0, le=65535)
    """Port to listen at; 0 takes any that is free."""
    proxy: tuple[str, ...] = ()
    """Addresses of web servers in front of this one that tell who a user is (X-Remote-User); from others that is
    not believed."""
    names: tuple[str, ...] = ()
    """Names under which browsers may ask for the pages, beside those of `host`; with a proxy, its name."""

    @property
    def is_on_loopback(self) -> bool:
        """Nobody but users of this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @model_validator(mode="after")
    def _is_not_open(self) -> ServeParams:
        if not self.is_on_loopback and not self.proxy:
            raise ValueError(
                f"host {self.host} is open to other machines, and nobody would ask who comes: set serve.proxy to the "
                "address of a web server that does, or leave serve.host as 127.0.0.1"
            )
        return self
