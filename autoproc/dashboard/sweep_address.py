"""The name of a sweep or group in an address: /sweeps/NAME/WHAT, /sweeps/combined/GROUP/WHAT."""

from __future__ import annotations

from urllib.parse import quote

from starlette.convertors import Convertor, register_url_convertor


class SweepName(Convertor[str]):
    """One part of a path, or two where the first is "combined": no sweep is called so."""

    regex = r"combined/[^/]+|(?!combined(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        """The name."""
        return value

    def to_string(self, value: str) -> str:
        """The name again."""
        return value


def address(name: str) -> str:
    """The address of a sweep's page."""
    return f"/sweeps/{quote(name)}"


register_url_convertor("sweep", SweepName())
