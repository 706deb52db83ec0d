"""Figures as the pages write them."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.wording import images_in_words


def figure(value: float | None, form: str) -> str:
    """A number in a format of Python; nothing for one that is not there."""
    return "" if value is None else format(value, form)


def cell(values: Sequence[float] | None) -> str:
    """A unit cell, Angstrom and degrees."""
    return " ".join(f"{value:.1f}" for value in values or ())


def images(n_images: int, n_used: int | None) -> str:
    """How many images, and how many of them were used."""
    return images_in_words(n_images, n_used)
