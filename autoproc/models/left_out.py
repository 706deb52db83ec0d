"""Why observations are not used."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LeftOut = tuple[tuple[str, int], ...]
"""(why, how many), the commonest first; each observation counts for one reason."""


def first_reasons(waiting: np.ndarray, rules: Iterable[tuple[str, np.ndarray]], rest: str) -> LeftOut:
    """Count the observations that wait (N,) bool by the first rule that holds for each.

    rules : (why, (N,) bool); rest : why, for those that no rule holds for. Nothing is told of reasons without any.
    """
    waiting, found = waiting.copy(), []
    for why, holds in rules:
        found.append((why, int(np.count_nonzero(waiting & holds))))
        waiting &= ~holds
    found.append((rest, int(np.count_nonzero(waiting))))
    return commonest_first(found)


def commonest_first(found: Iterable[tuple[str, int]]) -> LeftOut:
    """The commonest first, without those of which there are none."""
    return tuple(sorted((one for one in found if one[1]), key=lambda one: -one[1]))
