"""What is not in the end as if nothing had been killed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from collected.processes import is_alive
from collected.program import rows

SAME = ("merged.mtz", "unmerged.mtz")
"""Files of results that have to be the same, byte for byte."""
IN_PASSING = ("work", "live", "ahead")
"""Folders of the queue that are empty, or not there, when nothing is under way."""


def differences(reference: Path, output: Path) -> list[str]:
    """What is not as in the undisturbed run."""
    theirs, ours = results(reference), results(output)
    wrong = [] if theirs == ours else [f"folders {sorted(ours)} instead of {sorted(theirs)}"]
    for folder in sorted(theirs & ours):
        for name in SAME:
            files = [whole / folder / name for whole in (reference, output)]
            if content(files[0]) != content(files[1]):
                wrong.append(f"{files[1]} differs")
        names = [sorted(path.name for path in (whole / folder).rglob("*")) for whole in (reference, output)]
        if names[0] != names[1]:
            wrong.append(f"{output / folder} holds {names[1]} instead of {names[0]}")
    left = [path for name in IN_PASSING for path in (output / ".autoproc" / name).glob("*")]
    wrong += [f"{path} is left over" for path in left]
    states = {row["name"]: row["state"] for row in rows(reference)}
    wrong += [
        f"{row['name']} is {row['state']}"
        for row in rows(output)
        if row["state"] != states.get(row["name"], "processed")
    ]
    return wrong


def results(whole: Path) -> set[str]:
    """The folders of results, of sweeps and of groups."""
    found = (path.parent.relative_to(whole) for path in whole.rglob("summary.json"))
    return {str(folder) for folder in found if not folder.parts[0].startswith(".")}


def content(path: Path) -> bytes | None:
    """Of a file; None where there is none."""
    return path.read_bytes() if path.exists() else None


def processes_left(pids: Iterable[int], patience: float = 0.0) -> list[str]:
    """Workers that have outlived the program that they are of for so many seconds."""
    pids, deadline = list(pids), time.monotonic() + patience
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [f"process {pid} of a program that was killed is left over" for pid in pids if is_alive(pid)]
