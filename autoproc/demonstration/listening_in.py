"""What beamline and program tell while they work, read from the files in which they do."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


class JsonLines:
    """A file of JSON lines to which another process adds: each line is read once, when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def news(self) -> list[Facts]:
        """What was added since the last time; nothing where there is no file yet. A line that is no JSON is nothing."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        return [facts for line in whole.splitlines() if (facts := _facts(line))]


def live_now(folder: Path) -> list[Facts]:
    """What is known of the sweeps that are being followed; see service.following.live_folder."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError):
            found.append(_facts(path.read_bytes()))
    return [facts for facts in found if facts]


def summary_there(folder: Path) -> Facts:
    """summary.json of a folder of results; empty where there is none."""
    with suppress(OSError):
        return _facts((folder / "summary.json").read_bytes())
    return {}


def _facts(text: bytes) -> Facts:
    try:
        facts = json.loads(text)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
