"""The checks of a sweep that are not good, as the queue keeps them: with what others' data could settle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoproc.reports.checks.check import Check
from autoproc.symmetry.doubts import tells_too_little

COVERAGE = ("completeness", "completeness at low resolution", "multiplicity")
"""Checks that only say how much was measured."""
SYMMETRY = "symmetry: "
"""How the names of the doubts of that stage begin."""


def doubts_of(checks: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Of each check its name, verdict, what it says, and what it lacks; see lack_of."""
    return [
        {"name": check["name"], "verdict": check["verdict"], "says": says_of(check), "lacks": lack_of(check)}
        for check in checks
    ]


def says_of(check: Mapping[str, Any]) -> str:
    """What it warns of, as the summary has it."""
    return Check(**check).warning or str(check["value"])


def lack_of(check: Mapping[str, Any]) -> str:
    """What more data would give: "coverage"; "symmetry", to tell the space group; "" for what is wrong by itself."""
    if check["name"] in COVERAGE:
        return "coverage"
    is_of_symmetry = check["name"].startswith(SYMMETRY) and tells_too_little(says_of(check))
    return "symmetry" if is_of_symmetry else ""
