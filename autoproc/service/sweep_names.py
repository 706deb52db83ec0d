"""Names of sweeps that tell them apart: the folder in which their images differ stands before what they share."""

from __future__ import annotations

from pathlib import Path


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
