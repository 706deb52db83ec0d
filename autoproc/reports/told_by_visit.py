"""What files of the visit have said of a sweep's processing, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoproc.reports.story import StoryLine


def told_lines(summary: Mapping[str, Any]) -> list[StoryLine]:
    """The parameters that were taken from each file, and files of which nothing was taken; none where none said any."""
    told = summary.get("told_by_visit")
    if not told:
        return []
    by_file: dict[str, list[str]] = {file: [] for file in told["files"]}
    for one in told["given"]:
        by_file.setdefault(one["file"], []).append(f"{one['key']}={one['value']}")
    texts = [f"from {file}: {', '.join(values) or 'none'}" for file, values in by_file.items()]
    return [StoryLine("" if n else "Parameters", text) for n, text in enumerate(texts)]
