"""One thing that was looked at, and how its value is put beside what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["good", "look", "bad"]

MOST_MORE_DIGITS = 4
"""Nearer to its limit than they tell, a value is as good as on it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its value, what is usual, and, unless it is good, what to do."""

    name: str
    value: str
    usual: str
    verdict: Verdict = "good"
    advice: str = ""

    @property
    def warning(self) -> str:
        """The check as a sentence; empty where it is good, or where a stage has said it with what to do."""
        if self.verdict == "good" or not self.advice:
            return ""
        return f"{self.name}: {self.value} (usual: {self.usual}); {self.advice}"


def overall_verdict(checks: Sequence[Check]) -> Verdict:
    """The worst of all checks."""
    found = {check.verdict for check in checks}
    return "bad" if "bad" in found else "look" if "look" in found else "good"


def gravest_first(stated: Sequence[str], checks: Sequence[Check]) -> list[str]:
    """All warnings, each once, the gravest first: bad checks, what the stages said, then what is worth a look."""
    of = {v: [c.warning for c in checks if c.verdict == v and c.warning] for v in ("bad", "look")}
    return list(dict.fromkeys([*of["bad"], *stated, *of["look"]]))


def above(value: float, look: float, bad: float) -> Verdict:
    """The verdict on a value that should be small."""
    return "bad" if value > bad else "look" if value > look else "good"


def below(value: float, look: float, bad: float) -> Verdict:
    """The verdict on a value that should be large."""
    return "bad" if value < bad else "look" if value < look else "good"


def printed(value: float, digits: int, limit: float, percent: bool = False) -> str:
    """A value to so many digits, or as many more as show on which side of the limit beside it the value is."""
    for more in range(digits, digits + MOST_MORE_DIGITS + 1):
        text = f"{value:z.{more}%}" if percent else f"{value:z.{more}f}"
        shown = float(text.rstrip("%")) / (100 if percent else 1)
        if np.sign(round(shown - limit, 12)) == np.sign(round(value - limit, 12)):
            break
    return text
