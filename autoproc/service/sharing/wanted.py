"""What whoever has a sweep says of it: to the program, how many helpers it wants, and to these, which sweep it is."""

from __future__ import annotations

import json
from pathlib import Path

ORDER, WANTED = "order.json", "wanted.json"
"""In the folder in which the work is shared."""


def want(folder: Path, n_helpers: int) -> None:
    """Say how many. Raises OSError."""
    part = folder / f".{WANTED}.part"
    part.write_text(json.dumps({"n_helpers": n_helpers}), encoding="utf-8")
    part.replace(folder / WANTED)


def n_wanted(folder: Path) -> int:
    """How many are wanted; 0 where nobody says so."""
    try:
        return int(json.loads((folder / WANTED).read_text(encoding="utf-8"))["n_helpers"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
