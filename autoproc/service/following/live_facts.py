"""What pages are told of a sweep that is followed, as plain facts: few enough to be drawn again every second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from autoproc.models.image_facts import ImageFacts
from autoproc.service.following.followed import Followed

MOST_POINTS = 400
"""Of a curve: a desk's screen has two pixels for each, and 50 browsers take 20 kB a second each."""
STEPS = (1, 2, 5)
"""Images to a point, times powers of ten: people can tell from the axis which they are."""
MOST_STRETCHES = 40
"""Of images without beam that are told one by one: the latest, where there are more."""


def live_facts(followed: Followed) -> dict[str, Any]:
    """The facts, for JSON."""
    dark, numbers = followed.dark, sorted(followed.images)
    return {
        "name": followed.name, "path": followed.path, "n_there": followed.n_there, "n_planned": followed.n_planned,
        "n_searched": len(numbers), "n_integrated": followed.n_integrated,
        "n_waiting": followed.n_waiting, "every": followed.every,
        "backlog": followed.backlog if followed.n_waiting else "", "why_not": followed.why_not,
        "ahead": followed.ahead_words, "provisional": followed.provisional,
        "unprobed": followed.unprobed,
        "n_dark": len(dark), "dark": stretches_of_numbers(dark)[-MOST_STRETCHES:], "is_icy": followed.is_icy,
        "probes": [
            {"rotation": one.rotation, "n_images": one.n_images, "light": one.light, "words": list(one.words)}
            for one in followed.probes
        ],
        "curves": curves(followed.images),
    }  # fmt: skip


def curves(images: Mapping[int, ImageFacts]) -> dict[str, Any]:
    """Curves of what the images show: each point tells of `per_point` images after one another, by their median.

    images : by number; image : the middle of each point's
    """
    per_point = images_to_a_point(min(images), max(images)) if images else 1
    points: dict[int, list[ImageFacts]] = {}
    for number in sorted(images):
        points.setdefault((number - 1) // per_point, []).append(images[number])
    together = list(points.values())
    return {
        "per_point": per_point,
        "image": [(some[0].image + some[-1].image) / 2 for some in together],
        "n_spots": _middles(together, "n_spots"), "d_min": _middles(together, "d_min"),
        "n_on_ice": _middles(together, "n_on_ice"),
        "n_beside_ice": _middles(together, "n_beside"), "level": _middles(together, "level"),
    }  # fmt: skip


def images_to_a_point(first: int, last: int) -> int:
    """The fewest that are a round number and leave no more than MOST_POINTS."""
    power = 1
    while True:
        for step in STEPS:
            per_point = step * power
            if (last - 1) // per_point - (first - 1) // per_point < MOST_POINTS:
                return per_point
        power *= 10


def stretches_of_numbers(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as first and last of those that follow one another."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _middles(points: Sequence[Sequence[ImageFacts]], name: str) -> list[float | None]:
    """The median of a fact of each point's images, to four digits; None where none of them has it."""
    found = []
    for some in points:
        values = [value for value in (getattr(one, name) for one in some) if value is not None]
        found.append(float(f"{median(values):.4g}") if values else None)
    return found
