"""Parameters that results were made with, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoproc.config import Config
from autoproc.overrides import value_in_words
from autoproc.params import meanings


@dataclass(frozen=True, slots=True)
class Used:
    """A parameter that is not the default, and what it means."""

    name: str
    value: str
    default: str
    meaning: str = field(default="")


def used(settings: Mapping[str, Mapping[str, Any]]) -> list[Used]:
    """Parameters that are not the defaults, in words; those that this version does not know have no default."""
    defaults = Config()
    found = []
    for table, values in settings.items():
        params = getattr(defaults, table, None)
        meant = {} if params is None else meanings(type(params))
        known = {} if params is None else params.model_dump(mode="json")
        found += [
            Used(f"{table}.{name}", value_in_words(value), value_in_words(known.get(name)), meant.get(name, ""))
            for name, value in values.items()
        ]
    return found
