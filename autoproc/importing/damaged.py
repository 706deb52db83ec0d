"""Sweeps of which a few images are damaged or missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from autoproc.errors import UNREADABLE, InputError
from autoproc.formats.minicbf import HeaderModels
from autoproc.importing.continuity import Segment, split_by_rotation


def split_around_damage(
    numbers: list[int], models_of: Callable[[int], HeaderModels], check_angles: bool, max_fraction: float
) -> tuple[list[Segment], dict[int, InputError]]:
    """The segments of split_by_rotation, with images whose header cannot be read passed over; and these images.

    Raises the first image's error if more than max_fraction of them are such.
    """
    damaged: dict[int, InputError] = {}

    def careful(number: int) -> HeaderModels:
        try:
            return models_of(number)
        except UNREADABLE as error:
            damaged[number] = error
            raise

    while True:
        try:
            good = [number for number in numbers if number not in damaged]
            return split_by_rotation(good, careful, check_angles), damaged
        except UNREADABLE:
            if len(damaged) > max_fraction * len(numbers):
                raise damaged[min(damaged)] from None


def usable_run(segment: Segment, max_fraction: float) -> tuple[int, int]:
    """First and last number of a segment if few images between them lack, else of its longest unbroken run."""
    first, last = segment.numbers[0], segment.numbers[-1]
    n_images = last - first + 1
    if n_images - len(segment.numbers) <= max_fraction * n_images:
        return first, last
    return segment.longest_run()


def gap_warnings(segment: Segment, used: tuple[int, int], damaged: Mapping[int, InputError]) -> list[str]:
    """What a segment lacks, and what is done about it, in plain words."""
    numbers = segment.numbers
    first, last = used
    outside = [n for n in sorted(damaged) if not numbers[0] < n < numbers[-1]]
    said = [f"image {n} left out: {damaged[n].message}" for n in outside]
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]
    if not gaps:
        return said
    listed = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in gaps[:5]) + (", ..." if len(gaps) > 5 else "")
    what = f"{_images(sum(b - a + 1 for a, b in gaps))} missing"
    if any(a <= n <= b for a, b in gaps for n in damaged):
        what += " or damaged"
    if used == (numbers[0], numbers[-1]):
        return [*said, f"{what} ({listed}): the sweep is processed without"]
    left_out = len(numbers) - sum(first <= n <= last for n in numbers)
    return [
        *said,
        f"{what} ({listed}): the longest unbroken run, {first} to {last}, is used; "
        f"{_images(left_out)} on the other side of the gap{'s' * (len(gaps) > 1)} left out",
    ]


def _images(n: int) -> str:
    return f"{n} image{'s' * (n != 1)}"
