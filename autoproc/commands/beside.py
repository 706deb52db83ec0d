"""Processes beside a run, with the program itself in them: how they are begun, told their parameters, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

from autoproc.params import Params
from autoproc.service.processes.begin_process import FOR_THE_PROGRAM, THREADS, paths
from autoproc.service.processes.orphans import ORPHANED, die_with_parent

Stream = int | IO[bytes] | None
LEAVING = 3.0
"""Seconds for such a process to end with the run."""


def begin_beside(
    command: str, words: Sequence[str], output: Stream = None, errors: Stream = None, given: Stream = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Begin `autoproc COMMAND` in a group of its own, so that Ctrl-C goes to the run alone. Raises OSError.

    output, errors : where these go, as subprocess has it; None to where those of this program go
    given : what it reads
    """
    program = [sys.executable, "-P", "-m", "autoproc", command, f"--beside={os.getpid()}"]
    kept = {name: value for name, value in os.environ.items() if name not in FOR_THE_PROGRAM}
    environment = kept | THREADS | {"PYTHONPATH": os.pathsep.join(paths())}
    return subprocess.Popen(
        [*program, *words], env=environment, stdin=given, stdout=output, stderr=errors, process_group=0
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End such a process: well, or at once where that takes long."""
    process.terminate()
    try:
        process.wait(LEAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def depend_on(program: int) -> None:
    """End with the run of that number, however it ends."""
    die_with_parent()
    if os.getppid() != program:  # it has ended while this process was loaded
        raise SystemExit(ORPHANED)


def as_words(table: str, params: Params, last: str = "") -> list[str]:
    """Parameters as the command line has them; last : one that may only be given when the others are known."""
    values = params.model_dump(mode="json", exclude_defaults=True)
    return [f"{table}.{key}={_word(values[key])}" for key in sorted(values, key=lambda key: key == last)]


def _word(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
