"""Drawings that were kept as text: what is put into a page as it stands has to be a drawing of ours, and no more."""

from __future__ import annotations

import re
from xml.etree import ElementTree

ELEMENTS = {"svg", "g", "path", "rect", "circle", "text", "title"}
ATTRIBUTES = {
    "aria-label", "class", "cx", "cy", "d", "fill", "height", "r", "role", "transform", "viewBox", "width", "x", "y",
}  # fmt: skip
"""What drawings are made of here: nothing that runs, leads anywhere or fetches anything."""
COLOUR = re.compile(r"#[0-9a-f]{6}|none")


def sound_drawing(text: str) -> str:
    """The same text, where it is one SVG element of what our drawings are made of. Raises ValueError where not."""
    if "<!" in text or "<?" in text:  # no declarations, whose entities grow without end
        raise ValueError("a drawing is an element alone")
    try:
        drawing = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no drawing: {error}") from error
    for element in drawing.iter():
        others = {element.tag} - ELEMENTS | set(element.attrib) - ATTRIBUTES
        if others or not COLOUR.fullmatch(element.get("fill", "none")):
            raise ValueError(f"{', '.join(sorted(others)) or 'another colour'} in a drawing")
    if drawing.tag != "svg":
        raise ValueError(f"{drawing.tag} is no drawing")
    return text
