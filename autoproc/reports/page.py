"""Pages of figures and tables, self-contained: style and drawings are in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from autoproc import __version__
from autoproc.legible import legible_lines
from autoproc.reports.maps import MapDrawing, draw_map
from autoproc.reports.table import Table
from autoproc.wording import VERDICTS, angstrom


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing (an SVG element) with its title and a sentence on how to read it.

    view : what the image viewer is asked for to show the same on an image; "" where nothing is there
    """

    title: str
    words: str
    svg: str
    view: str = ""

    @property
    def drawing(self) -> Markup:
        """The SVG, not to be escaped: it was drawn here, or is like that (sound_drawing), with its texts escaped."""
        return Markup(self.svg)

    def leading_to(self, images: str) -> Markup:
        """The drawing with links to the image viewer at an address, where it has parts that are to be seen there."""
        return Markup(draw_map(self.svg.map, images)) if isinstance(self.svg, MapDrawing) else self.drawing


@dataclass(frozen=True, slots=True)
class Section:
    """Figures and tables under a heading."""

    title: str
    figures: Sequence[Figure] = field(default=())
    tables: Sequence[Table] = field(default=())

    @property
    def anchor(self) -> str:
        """Its place in the page's address."""
        return self.title.lower().replace(" ", "-")


def render(template: str, **content: Any) -> str:
    """A page from a template."""
    return _environment().get_template(template).render(version=__version__, **content)


def style_sheet(name: str) -> str:
    """A part of the pages' style that stands by itself: chart.css, of the drawings; colours.css."""
    return _environment().get_template(name).render()


def compile_templates() -> None:
    """Compile all templates, which takes a quarter of a second, before a page is asked for."""
    for name in _environment().list_templates():
        _environment().get_template(name)


def _shown(value: Any) -> Any:
    """Names of files are whatever strangers call them."""
    return legible_lines(value) if type(value) is str or isinstance(value, Path) else value


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(PackageLoader("autoproc.reports"))


def environment(loader: BaseLoader) -> Environment:
    """Templates of pages: what they show is text, and made legible."""
    made = Environment(
        loader=loader,
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a program that is replaced while it runs goes on with the pages that it knows
    )
    made.filters["verdict"] = lambda one: VERDICTS.get(one, "")
    made.filters["angstrom"] = angstrom
    return made
