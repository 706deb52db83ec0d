"""Which of the results that are compared has the better figure, and whether that may be said at all.

Every data set that is measured more often, or farther, or is cut at another resolution has other figures without being
better: I/sigma grows and Rpim falls with the root of the multiplicity (Weiss, J. Appl. Cryst. 34 (2001) 130), and what
is cut earlier loses its weakest reflections. Such figures are held against each other among data sets that are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

Better = Callable[[Sequence[float]], float]
"""min or max."""
MOST_MULTIPLICITY = 1.2
"""Greatest over smallest multiplicity of data sets that are alike: I/sigma and Rpim differ by its root, 10%, for that
alone. By the formula; no data were asked."""
MOST_COMPLETENESS = 5.0
"""Points of completeness between data sets that are alike. Chosen, not measured; for scale: wedges of 25 degrees of one
structure in P 3 had 59 to 68%, their group 98% (simulated)."""
MOST_RESOLUTION = 1.03
"""Greatest over smallest d_min of data sets that are alike: numbers of reflections go with its cube, 9%."""


class Depends(Enum):
    """What a figure depends on beside the quality of the data."""

    NOTHING = "nothing"
    AMOUNT = "completeness and multiplicity"
    AMOUNT_AND_LIMIT = "completeness, multiplicity and the resolution limit"


def best_of(
    values: Sequence[float | None], may_win: Sequence[bool], better: Better | None, is_comparable: bool
) -> float | None:
    """The better value; None where none may be said to be.

    values : of each result, None where it has none; may_win : False for results that are left out of the group
    is_comparable : the results are alike in what the figure depends on
    """
    known = [value for value, may in zip(values, may_win, strict=True) if may and value is not None]
    if better is None or not is_comparable or len(known) < 2 or len(set(known)) < 2:
        return None
    return better(known)


def are_alike(summaries: Sequence[Mapping[str, Any]], depends: Depends) -> bool:
    """Whether results are alike in what a figure depends on; what is not known of one is not alike."""
    if depends is Depends.NOTHING:
        return True
    overall = [(summary.get("merging_statistics") or {}).get("overall") or {} for summary in summaries]
    amount = _spread([one.get("multiplicity") for one in overall], _ratio) <= MOST_MULTIPLICITY
    amount &= _spread([one.get("completeness") for one in overall], _difference) <= MOST_COMPLETENESS
    if depends is Depends.AMOUNT:
        return amount
    return amount and _spread([summary.get("d_min") for summary in summaries], _ratio) <= MOST_RESOLUTION


def _spread(values: Sequence[float | None], between: Callable[[float, float], float]) -> float:
    """How far apart they are; without bound where one is not known."""
    known = [value for value in values if value]
    return between(max(known), min(known)) if known and len(known) == len(values) else float("inf")


def _ratio(high: float, low: float) -> float:
    return high / low


def _difference(high: float, low: float) -> float:
    return high - low
