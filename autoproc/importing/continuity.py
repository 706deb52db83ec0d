"""Which images of a series form one rotation, found by reading few of their headers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from autoproc.formats.images.minicbf import HeaderModels

SAMPLES = (0.25, 0.5, 0.75)
ANGLE_TOLERANCE = 0.1
ROUNDING = 1e-4


@dataclass(frozen=True, slots=True)
class ContinuousRotation:
    """Images whose rotation goes on from each to the next, some of which may be missing.

    numbers : ascending; first : what the header of the first image says
    oscillation : (start of the first image, width), degrees; (0, 0) for stills
    """

    numbers: tuple[int, ...]
    first: HeaderModels
    oscillation: tuple[float, float]

    def longest_run(self) -> tuple[int, int]:
        """First and last number of the longest run without a missing image, the first of equals."""
        return longest_run(self.numbers)


def longest_run(numbers: Sequence[int]) -> tuple[int, int]:
    """First and last of the longest run of ascending numbers, one at least, without a gap; the first of equals."""
    edges = np.flatnonzero(np.diff(numbers) > 1)
    starts, stops = np.append(0, edges + 1), np.append(edges, len(numbers) - 1)
    best = int(np.argmax(stops - starts))
    return numbers[starts[best]], numbers[stops[best]]


def split_by_rotation(
    numbers: list[int], models_of: Callable[[int], HeaderModels], check_angles: bool = True
) -> list[ContinuousRotation]:
    """Cut a series where the angle of an image is not what its predecessors let expect, or the geometry changes.

    Within a segment start(n) = start(first) + (n - first) width, as all headers say that were read: the
    first, second, last and three between. Where they disagree the breaks are found by bisection.
    """
    headers: dict[int, HeaderModels] = {}

    def header(index: int) -> HeaderModels:
        if index not in headers:
            headers[index] = models_of(numbers[index])
        return headers[index]

    def continues(start: int, index: int) -> bool:
        steps = numbers[index] - numbers[start]
        return _same_geometry(header(start), header(index)) and (
            not check_angles or _expected_angle(header(start), header(index), steps)
        )

    segments = []
    start, end = 0, len(numbers) - 1
    while start <= end:
        stop = _last_that_continues(continues, start, end)
        segments.append(_segment(numbers[start : stop + 1], header(start), header(stop)))
        start = stop + 1
    return segments


def _last_that_continues(continues: Callable[[int, int], bool], start: int, end: int) -> int:
    """The largest index up to `end` to which the images continue from `start`."""
    if start == end or not continues(start, start + 1):
        return start
    samples = sorted({end, *(start + round(f * (end - start)) for f in SAMPLES)} - {start, start + 1})
    good = start + 1
    for index in samples:
        if continues(start, index):
            good = index
            continue
        bad = index
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if continues(start, middle) else (good, middle)
        return good
    return end


def _expected_angle(first: HeaderModels, later: HeaderModels, steps: int) -> bool:
    start, width = first.oscillation or (0.0, 0.0)
    later_start, later_width = later.oscillation or (0.0, 0.0)
    if abs(width - later_width) > max(2 * ROUNDING, 1e-3 * abs(width)):
        return False
    difference = (later_start - start - steps * width + 180.0) % 360.0 - 180.0
    return abs(difference) <= max(ANGLE_TOLERANCE * abs(width), 2 * ROUNDING) + steps * ROUNDING / 2


def _same_geometry(a: HeaderModels, b: HeaderModels) -> bool:
    if a.detector is b.detector and a.beam is b.beam and a.goniometer is b.goniometer:
        return True
    p, q = a.detector[0], b.detector[0]
    return (
        p.image_size == q.image_size
        and abs(a.beam.wavelength - b.beam.wavelength) < 1e-3 * a.beam.wavelength
        and _are_close(p.origin, q.origin, 0.5 * p.pixel_size[0])
        and _are_close([p.fast_axis, p.slow_axis], [q.fast_axis, q.slow_axis], 1e-3)
        and _are_close(a.goniometer.axis, b.goniometer.axis, 1e-3)
        and _are_close(a.goniometer.fixed, b.goniometer.fixed, 1e-2)
        and _are_close(a.goniometer.setting, b.goniometer.setting, 1e-2)
    )


def _are_close(a: ArrayLike, b: ArrayLike, tolerance: float) -> bool:
    """Every number differs by no more; np.allclose takes ten times as long, and is asked for every header."""
    return bool((np.abs(np.subtract(a, b)) <= tolerance).all())


def _segment(numbers: list[int], first: HeaderModels, last: HeaderModels) -> ContinuousRotation:
    """Headers round the width to four decimals: over a long sweep first and last angle say it better."""
    start, width = first.oscillation or (0.0, 0.0)
    steps = numbers[-1] - numbers[0]
    if steps and width and last.oscillation is not None:
        difference = (last.oscillation[0] - start - steps * width + 180.0) % 360.0 - 180.0
        if abs(difference) > 2 * ROUNDING and abs(difference) <= steps * ROUNDING / 2 + 2 * ROUNDING:
            width += difference / steps
    return ContinuousRotation(tuple(numbers), first, (start, width))
