"""What recorded sweeps are called: a pattern filled in from the start message, as no path leads out of its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

FIELD = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
UNFIT = re.compile(r"[^A-Za-z0-9._+=-]+")
"""Characters that a name of a file had better not have."""
LONGEST = 80
"""Characters of a value, and of a part of a name: file systems have room for 255, of which numbers and endings need
some."""
UNKNOWN = "unknown"
WITHOUT_START = "_without_start"
"""Ends the names of series whose start message was missed."""


def fields_of(pattern: str) -> list[str]:
    """The fields of a pattern. Raises ValueError for one that leads out of its folder, or has braces left over."""
    rest = FIELD.sub("x", pattern)
    if "{" in rest or "}" in rest:
        raise ValueError(f"name {pattern!r} has braces that hold no field, as in {{series_id}}")
    parts = rest.split("/")
    if any(part.strip(". ") == "" for part in parts) or any(part.startswith(".") for part in parts):
        raise ValueError(f"name {pattern!r} has a part that is empty or begins with a dot")
    return FIELD.findall(pattern)


def name_of(pattern: str, message: Mapping[str, Any]) -> tuple[Path, list[str]]:
    """The name of a sweep, relative to the folder, and the fields that its start message does not give.

    message : as decoded
    """
    missing: list[str] = []

    def filled(match: re.Match[str]) -> str:
        value = _value(message, match[1])
        if value is None:
            missing.append(match[1])
            return UNKNOWN
        return _fit(str(value))

    return Path(*(FIELD.sub(filled, part)[: 2 * LONGEST] for part in pattern.split("/"))), missing


def _value(message: Mapping[str, Any], field: str) -> str | float | None:
    """The text or number at a path such as user_data.sample.name; what users add may be JSON."""
    value: Any = message
    for key in field.split("."):
        if isinstance(value, str):
            with suppress(ValueError, RecursionError):
                value = json.loads(value)
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str | int | float) and _fit(str(value)) else None


def _fit(text: str) -> str:
    return UNFIT.sub("_", text[: 4 * LONGEST]).strip("._")[:LONGEST]


def free_stem(folder: Path, name: Path, taken: Collection[Path]) -> Path:
    """FOLDER/NAME, or with the first number from 2 on with which it has no files yet and is none of those taken."""
    return next(stem for stem in _stems(folder / name) if stem not in taken and not _is_taken(stem))


def _stems(stem: Path) -> Iterator[Path]:
    yield stem
    yield from (stem.with_name(f"{stem.name}_{number}") for number in count(2))


def _is_taken(stem: Path) -> bool:
    return master_path(stem).exists() or data_path(stem, 0).exists()


def master_path(stem: Path) -> Path:
    """The master file of a sweep."""
    return stem.with_name(f"{stem.name}_master.h5")


def data_path(stem: Path, number: int) -> Path:
    """A data file of a sweep, numbered from 0 here and from 1 in its name."""
    return stem.with_name(f"{stem.name}_data_{number + 1:06d}.h5")
