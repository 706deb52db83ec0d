"""Sweeps of which a few images are damaged or missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from autoproc.errors import UNREADABLE, InputError
from autoproc.formats.images.damaged_frames import LISTED, missing_images
from autoproc.formats.images.minicbf import HeaderModels
from autoproc.importing.continuity import ContinuousRotation, longest_run, split_by_rotation
from autoproc.wording import number_ranges


def split_around_damage(
    numbers: list[int], models_of: Callable[[int], HeaderModels], check_angles: bool, max_fraction: float
) -> tuple[list[ContinuousRotation], dict[int, InputError]]:
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
                first = damaged[min(damaged)]
                raise first from first.__cause__


def usable_run(segment: ContinuousRotation, max_fraction: float) -> tuple[int, int]:
    """First and last number of a segment if few images between them lack, else of its longest unbroken run."""
    return usable_numbers(segment.numbers, max_fraction) or segment.longest_run()


def usable_numbers(present: Sequence[int], max_fraction: float) -> tuple[int, int] | None:
    """The same of the numbers, ascending, of images that are there; None without any."""
    if not present:
        return None
    first, last = present[0], present[-1]
    n_images = last - first + 1
    if n_images - len(present) <= max_fraction * n_images:
        return first, last
    return longest_run(present)


def left_out(present: Sequence[int], used: tuple[int, int]) -> str:
    """What is not used because images between others lack, in plain words; "" where that is no image."""
    first, last = used
    absent = [n for a, b in pairwise(present) for n in range(a + 1, b)]
    if not absent:
        return ""
    if used == (present[0], present[-1]):
        return missing_images(absent)
    n_unused = sum(not first <= n <= last for n in present)
    return (
        f"{_images(len(absent))} missing ({number_ranges(absent, LISTED)}): the longest unbroken run, {first} to "
        f"{last}, is used; {_images(n_unused)} on the other side of the gap left out"
    )


def with_excluded(segment: ContinuousRotation, excluded: Sequence[int]) -> ContinuousRotation:
    """The segment with the excluded images between its own, which are not missing."""
    first, last = segment.numbers[0], segment.numbers[-1]
    inside = (number for number in excluded if first < number < last)
    return replace(segment, numbers=tuple(sorted({*segment.numbers, *inside})))


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a segment lacks, in plain words.

    decided : what import made of it; tolerated : what the reader of the images meets again, and says itself
    """

    decided: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()


def lacking(segment: ContinuousRotation, used: tuple[int, int], damaged: Mapping[int, InputError]) -> Lacking:
    """What a segment lacks, and what is done about it."""
    numbers = segment.numbers
    first, last = used
    outside = [n for n in sorted(damaged) if not numbers[0] < n < numbers[-1]]
    said = [f"image {n} left out: {damaged[n].message}" for n in outside]
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]
    absent = [n for a, b in gaps for n in range(a, b + 1)]
    if used == (numbers[0], numbers[-1]):
        missing = [n for n in absent if n not in damaged]
        tolerated = [missing_images(missing)] if missing else []
        tolerated += [f"image {n} left out: {damaged[n].message}" for n in absent if n in damaged]
        return Lacking(tuple(said), tuple(tolerated))
    what = f"{_images(len(absent))} missing" + (" or damaged" if set(absent) & damaged.keys() else "")
    left_out = len(numbers) - sum(first <= n <= last for n in numbers)
    said.append(
        f"{what} ({number_ranges(absent, LISTED)}): the longest unbroken run, {first} to {last}, is used; "
        f"{_images(left_out)} on the other side of the gap{'s' * (len(gaps) > 1)} left out"
    )
    return Lacking(tuple(said))


def _images(n: int) -> str:
    return f"{n} image{'s' * (n != 1)}"
