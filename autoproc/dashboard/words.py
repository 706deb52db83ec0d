"""Figures as the pages write them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoproc.service.events import times_in_words
from autoproc.wording import images_in_words


def figure(value: float | None, form: str) -> str:
    """A number in a format of Python; nothing for one that is not there."""
    return "" if value is None else format(value, form)


def cell(values: Sequence[float] | None) -> str:
    """A unit cell, Angstrom and degrees."""
    return " ".join(f"{value:.1f}" for value in values or ())


def lengths(values: Sequence[float] | None) -> str:
    """The edges of a unit cell, Angstrom."""
    return cell(values[:3] if values else None)


def angles(values: Sequence[float] | None) -> str:
    """The angles of a unit cell, degrees."""
    return " ".join(f"{value:.4g}" if value == round(value) else f"{value:.1f}" for value in (values or ())[3:])


def images(n_images: int, n_used: int | None) -> str:
    """How many images, and how many of them were used."""
    return images_in_words(n_images, n_used)


def elapsed(seconds: float | None) -> str:
    """Seconds as a watch shows them: 0:07, 12:30, 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def times(row: Mapping[str, Any]) -> str:
    """How long a sweep was worked on, and how long it had waited before."""
    return times_in_words(row["processing_time"], row["waited"])


def since(seconds: float | None) -> str:
    """How long ago a time since 1970 was, as a watch shows it."""
    return "" if seconds is None else elapsed(time.time() - seconds)


def moment(seconds: float | None) -> str:
    """A time since 1970 as people say it here: only the time of day today, then with the date."""
    if seconds is None:
        return ""
    when = datetime.fromtimestamp(seconds)
    is_today = when.date() == datetime.fromtimestamp(time.time()).date()
    return f"{when:%H:%M}" if is_today else f"{when.day} {when:%b %H:%M}"


def thousands(number: int) -> str:
    """A number with its thousands apart: 10 000, by a space that does not break."""
    return f"{number:,}".replace(",", "\u202f")
