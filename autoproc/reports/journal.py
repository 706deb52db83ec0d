"""The journal of decisions in few words: what made the result what it is, one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

GIVEN_UP = "given up "
"""How the last clause of the reason begins where a decision fell with the attempt in which it was made."""


def standing(decisions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without what was decided or refused within attempts that were given up: the result knows nothing of it."""
    given_up = {(d["within"], d["stage"]) for d in decisions if _is_given_up(d)}
    abandoned = {d["what"] for d in decisions if not d["kept"]}
    abandoned -= {d["what"] for d in decisions if d["kept"]}
    return [
        d for d in decisions
        if d["within"] not in abandoned and (d["kept"] or (d["within"], d["stage"]) not in given_up)
    ]  # fmt: skip


def sentence(decision: Mapping[str, Any]) -> str:
    """What was tried or done, whether it stands, and what came of it; the report has the reason for trying, too."""
    return f"{decision['what']}: {'yes' if decision['kept'] else 'no'}; {_clauses(decision)[-1]}"


def _is_given_up(decision: Mapping[str, Any]) -> bool:
    return not decision["kept"] and _clauses(decision)[-1].startswith(GIVEN_UP)


def _clauses(decision: Mapping[str, Any]) -> list[str]:
    clauses: list[str] = decision["because"].split("; ")
    return clauses
