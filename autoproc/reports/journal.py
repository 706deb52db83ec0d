"""The journal of decisions in few words: what made the result what it is, one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def decisions_that_stand(decisions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without what was decided or refused for results that were given up."""
    return [d for d in decisions if not d["fallen"]]


def sentence(decision: Mapping[str, Any]) -> str:
    """What was tried or done, whether it stands, and what came of it; the report has the reason for trying, too."""
    return f"{decision['what']}: {'yes' if decision['kept'] else 'no'}; {decision['because'].split('; ')[-1]}"
