"""Names of sweeps that tell them apart: the folder in which their images differ stands before what they share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from autoproc.legible import HARMFUL

RESERVED = re.compile(r"index(?:-\d+)?\.html|combined(?:@.*)?", re.IGNORECASE)
"""What the folder of all results holds besides: no sweep can be called so. Names that begin with a dot are none."""
LONGEST = 180
"""Bytes of a name: file systems allow 255, with the number and ending of an attempt, or of another of that name."""


def with_place(name: str, folder: Path, rival: Path) -> str:
    """The name with the first folder on the way to its images that is not on the way to the rival's.

    /data/visit2/c1 beside /data/visit1/c1 gives visit2_NAME. The name itself where no folder tells them apart.
    """
    mine, other = folder.parts, rival.parts
    common = next((n for n, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b), min(len(mine), len(other)))
    if mine == other:
        return name
    apart = mine[common] if common < len(mine) else folder.name
    return f"{apart}_{name}"


def free_name(form: Callable[[str], str], wanted: str, folder: Path, folder_of: Callable[[str], Path | None]) -> str:
    """The name that is wanted; where another has it, the folder that tells them apart before it, or a number after it.

    form : makes a name possible; folder : of the images; folder_of : that of a name that is taken, else None
    """
    wanted = form(wanted)
    rival = folder_of(wanted)
    if rival is None:
        return wanted
    wanted = form(with_place(wanted, folder, rival))
    if folder_of(wanted) is None:
        return wanted
    number = 2
    while folder_of(f"{wanted}_{number}") is not None:
        number += 1
    return f"{wanted}_{number}"


def printable(name: str) -> str:
    """A name that can be written everywhere: control characters and bytes that are no UTF-8 become underscores."""
    return HARMFUL.sub("_", name)


def group_folder(name: str) -> str:
    """The name combined/GROUP of a group's results, in the folder that holds all groups.

    PLACE_combined/GROUP, as it may be wanted, is combined/PLACE_GROUP.
    """
    place, _, own = name.partition("combined/")
    return f"combined/{folder_name(place + own)}"


def in_one_name(name: str) -> str:
    """The name of a sweep or group as that of one file: combined/GROUP is combined@GROUP, as no sweep is called."""
    return name.replace("/", "@", 1)


def from_one_name(name: str) -> str:
    """The sweep or group of such a name."""
    return name.replace("@", "/", 1) if name.startswith("combined@") else name


def folder_name(name: str) -> str:
    """The name that a sweep's folder of results can have: within its own folder, visible, and nobody else's.

    It does not begin with a dash either, so that no program takes it for an option.
    """
    safe = printable(name).replace("/", "_")
    while len(safe.encode()) > LONGEST:
        safe = safe[:-1]
    if safe[:1] in (".", "-"):
        safe = "_" + safe[1:]
    if not safe:
        return "sweep"
    return f"{safe}_sweep" if RESERVED.fullmatch(safe) else safe
