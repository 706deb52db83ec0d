"""Which sweeps are of one sample: those that were collected side by side under one name, or that the user names.

Nothing here looks at data: sweeps of one group that do not fit are set aside when their data are put together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Literal

from autoproc.legible import natural_key

By = Literal["auto", "folder", "none"]
ENDINGS = re.compile(r"(?:[_.-]master)?(?:\.[A-Za-z][A-Za-z0-9]{1,5}){0,2}$", re.IGNORECASE)
PLACES = re.compile(r"(?<![A-Za-z])[A-Za-z]?\d+|#+")
"""What tells the sweeps of one sample apart: numbers, and letters of a well (A1, B12)."""
COMBINED = "combined"
"""The folder of results that holds those of groups."""


@dataclass(frozen=True, slots=True)
class SweepPlace:
    """A sweep of the queue: the name of its results, template or master file, and how often it was processed.

    visit : the folder of its visit
    """

    name: str
    path: str
    run: int
    n_images: int
    visit: str = ""


@dataclass(frozen=True, slots=True)
class SampleGroup:
    """Sweeps of one sample. name : in a word, which others may have too; key : its own, whenever it is asked for."""

    name: str
    key: str
    sweeps: tuple[SweepPlace, ...]

    @property
    def members(self) -> dict[str, int]:
        """How often each of them was processed: what tells whether a result is of these."""
        return {sweep.name: sweep.run for sweep in self.sweeps}


def sample_groups(
    sweeps: Sequence[SweepPlace], by: By = "auto", named: Mapping[str, Sequence[str]] | None = None
) -> list[SampleGroup]:
    """Groups of two or more sweeps, in the order of their names; their sweeps in that of the paths.

    by : "auto", of the same name but for numbers, in one folder or in folders whose names differ by numbers; "folder",
        all of a folder; "none", only those named
    named : groups with patterns of paths, which go first
    """
    keys: dict[tuple[str, str], list[SweepPlace]] = {}
    for sweep in sorted(sweeps, key=lambda one: (natural_key(one.path), one.path, one.name)):
        own = next((name for name, patterns in (named or {}).items() if _matches(sweep.path, patterns)), None)
        key = ("named", own) if own is not None else (by, _place(sweep.path, by))
        if key[0] != "none":
            keys.setdefault(key, []).append(sweep)
    several = {key: members for key, members in keys.items() if len(members) > 1}
    return [
        SampleGroup(place if kind == "named" else _name_of(place, members), f"{kind}:{place}", tuple(members))
        for (kind, place), members in sorted(several.items())
    ]


def stem_of(path: str) -> str:
    """What is shared by the names of a sample's sweeps: without ending, with # for numbers and wells."""
    return PLACES.sub("#", ENDINGS.sub("", PurePath(path).name, count=1))


def _place(path: str, by: By) -> str:
    parent = PurePath(path).parent
    if by == "folder":
        return str(parent)
    return str(parent.parent / PLACES.sub("#", parent.name) / stem_of(path))


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) or fnmatchcase(PurePath(path).name, pattern) for pattern in patterns)


def _name_of(place: str, members: Sequence[SweepPlace]) -> str:
    """The words of the stem; those of the folder where there are none but numbers, or the files are called alike."""
    alike = len({PurePath(sweep.path).name for sweep in members}) == 1
    parts = PurePath(place).parts
    for part in reversed(parts[: -1 if alike and len(parts) > 1 else None]):
        words = re.sub(r"[#_.\s/-]+", "_", part).strip("_")
        if words:
            return words
    return "sample"
