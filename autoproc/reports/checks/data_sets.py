"""Checks of what a group of sweeps was put together from."""

from __future__ import annotations

from collections.abc import Mapping

from autoproc.reports.checks.check import Check

MOST_NAMED = 3
"""Data sets that are named with the reason why they were set aside."""


def data_sets(n: int, aside: Mapping[str, str]) -> Check:
    """Whether all data sets of a group are in its result.

    n : of the group; aside : the names of those that are not, with the reason of each in words
    """
    usual = "all put together"
    if not aside:
        return Check("data sets", f"all {n} put together", usual)
    named = [f"{name}, for {why}" for name, why in list(aside.items())[:MOST_NAMED]]
    more = f"; and {len(aside) - len(named)} more" if len(aside) > len(named) else ""
    return Check(
        "data sets set aside", f"{len(aside)} of {n}: {'; '.join(named)}{more}", usual, "look",
        "the result is of the others; look at their own summaries, and whether they are of this sample",
    )  # fmt: skip
