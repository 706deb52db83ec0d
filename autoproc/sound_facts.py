"""What can be used of JSON that may be damaged: all that is as a model describes it, with the rest named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

MOST_NAMED = 5
"""Parts that are named where they are told of: enough to know what kind of damage it is."""


class Described(BaseModel):
    """JSON as it is described. Fields have defaults, which stand for what is missing or damaged.

    Only in a list's items there may be fields without: an item that lacks one goes.
    """

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class Sound(NamedTuple):
    """facts : all that is sound; damaged : the parts that are not, as their keys lead to them."""

    facts: dict[str, Any]
    damaged: tuple[str, ...]


def sound_part(model: type[Described], facts: object) -> Sound:
    """What of JSON is as a model describes it: it itself where all is, else a copy without the rest."""
    if not isinstance(facts, dict):
        return Sound({}, ("all of it",))
    known: dict[str, Any] = facts
    damaged: dict[str, None] = {}
    while True:
        try:
            model.model_validate(known)
            return Sound(known, tuple(damaged))
        except ValidationError as error:
            told = error.errors(include_url=False, include_context=False)
            damaged |= {".".join(map(str, one["loc"])): None for one in told}
            known = _without(known, [one["loc"][: -1 if one["type"] == "missing" else None] for one in told])


def whole(model: type[Described], facts: dict[str, Any]) -> dict[str, Any]:
    """Sound facts with the defaults of all that is missing in them."""
    return model.model_validate(facts).model_dump()


def in_few_words(damaged: Sequence[str]) -> str:
    """The names of damaged parts, the first of them where they are many."""
    more = len(damaged) - MOST_NAMED
    return ", ".join(damaged[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _without(facts: Any, places: Sequence[tuple[int | str, ...]]) -> Any:
    """A copy without what is at these places."""
    inner: dict[int | str, list[tuple[int | str, ...]]] = {}
    for first, *rest in places:
        inner.setdefault(first, []).append(tuple(rest))
    pairs = list(facts.items() if isinstance(facts, dict) else enumerate(facts))
    kept = [(key, _without(value, inner[key]) if key in inner else value) for key, value in pairs
            if () not in inner.get(key, ())]  # fmt: skip
    return dict(kept) if isinstance(facts, dict) else [value for _, value in kept]
