"""What pages are told of a sweep that is followed, as plain facts: few enough to be drawn again every second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from autoproc.service.following.followed import LATEST, Followed, is_icy

MOST_POINTS = 400
"""Of a curve: a desk's screen has two pixels for each, and 50 browsers take 20 kB a second each."""
STEPS = (1, 2, 5)
"""Images to a point, times powers of ten: people can tell from the axis which they are."""
MOST_STRETCHES = 40
"""Of images without beam that are told one by one: the latest, where there are more."""


def live_facts(followed: Followed) -> dict[str, Any]:
    """The facts, for JSON."""
    dark, numbers = followed.dark, sorted(followed.images)
    latest = [followed.images[number] for number in numbers[-LATEST:]]
    return {
        "name": followed.name, "path": followed.path, "n_there": followed.n_there, "n_planned": followed.n_planned,
        "n_searched": len(numbers), "n_waiting": followed.n_waiting, "every": followed.every,
        "backlog": followed.backlog if followed.n_waiting else "", "why_not": followed.why_not,
        "n_dark": len(dark), "dark": stretches(dark)[-MOST_STRETCHES:], "is_icy": bool(latest) and is_icy(latest),
        "probes": [
            {"rotation": one.rotation, "n_images": one.n_images, "light": one.light, "words": list(one.words)}
            for one in followed.probes
        ],
        "curves": curves(followed.images),
    }  # fmt: skip


def curves(images: Mapping[int, Sequence[Any]]) -> dict[str, Any]:
    """Curves of what the images show: each point tells of `per_point` images after one another, by their median.

    images : rows of ImageFacts by number; image : the middle of each point's
    """
    per_point = images_to_a_point(min(images), max(images)) if images else 1
    points: dict[int, list[Sequence[Any]]] = {}
    for number in sorted(images):
        points.setdefault((number - 1) // per_point, []).append(images[number])
    rows = list(points.values())
    return {
        "per_point": per_point,
        "image": [(rows_of[0][0] + rows_of[-1][0]) / 2 for rows_of in rows],
        "n_spots": _middles(rows, 1), "d_min": _middles(rows, 2), "n_on_ice": _middles(rows, 3),
        "n_beside_ice": _middles(rows, 4), "level": _middles(rows, 5),
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


def stretches(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as first and last of those that follow one another."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _middles(points: Sequence[Sequence[Sequence[Any]]], column: int) -> list[float | None]:
    """The median of a column of each point's rows, to four digits; None where none of them has it."""
    found = []
    for rows in points:
        values = [row[column] for row in rows if row[column] is not None]
        found.append(float(f"{median(values):.4g}") if values else None)
    return found
