"""`autoproc run`, as a process that may be killed, and what the file of its queue says."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
GRACE = 60.0
"""Seconds in which a program that is told to stop has to be gone."""


def autoproc(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Any command of autoproc; what it prints is not kept, unless the options of Popen say so."""
    environment = os.environ | ONE_THREAD | options.pop("env", {})
    command = [sys.executable, "-m", "autoproc", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, **({"stdout": subprocess.DEVNULL} | options))


def rows(output: Path) -> list[dict[str, Any]]:
    """What `autoproc status --json` says of sweeps and groups in the queue; nothing before there is one."""
    command = [sys.executable, "-m", "autoproc", "status", "--json", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, check=False)
    found = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []
    return [row for row in found if row["state"] != "arriving"]


def stop(program: subprocess.Popen[bytes]) -> None:
    """Tell it to stop, and wait until it has."""
    program.send_signal(signal.SIGTERM)
    program.wait(GRACE)


class QueueFile:
    """The queue of a folder of results, asked without the program; whatever cannot be read now is empty."""

    def __init__(self, output: Path) -> None:
        self.path = output / ".autoproc" / "queue.sqlite"

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of an answer."""
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=1.0)) as db,
        ):
            return db.execute(question, values).fetchall()
        return []

    def number(self, question: str, *values: object) -> float | None:
        """The only number of an answer; None where there is none."""
        found = self.ask(question, *values)
        return found[0][0] if found else None

    def names_in(self, *states: str) -> list[str]:
        """The sweeps and groups in these states, in the order in which they were found."""
        places = ", ".join("?" * len(states))
        return [name for (name,) in self.ask(f"SELECT name FROM jobs WHERE state IN ({places}) ORDER BY id", *states)]
