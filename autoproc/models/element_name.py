"""Names of chemical elements, as parameters give them."""

from __future__ import annotations

from typing import Annotated

import gemmi
from pydantic import AfterValidator


def _known(name: str) -> str:
    element = gemmi.Element(name.strip()) if name.isascii() else gemmi.Element(0)
    if not element.atomic_number:
        raise ValueError(f'{name!r} is not an element; write its symbol, such as "Se"')
    symbol: str = element.name
    return symbol


ElementName = Annotated[str, AfterValidator(_known)]
"""A parameter that names an element by its symbol, in capital or small letters."""
