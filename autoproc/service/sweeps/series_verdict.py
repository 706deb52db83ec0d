"""Whether the images of a series are all there: the verdict, and which lack between others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """What is made of a series; look_in : seconds after which it changes if nothing comes."""

    state: Literal["waiting", "complete", "partial"]
    reason: str = ""
    look_in: float = 0.0


def gaps(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """(first, last) of the stretches of numbers that lack between others."""
    ascending = sorted(numbers)
    if not ascending or ascending[-1] - ascending[0] + 1 == len(ascending):
        return ()
    return tuple((a + 1, b - 1) for a, b in pairwise(ascending) if b - a > 1)
