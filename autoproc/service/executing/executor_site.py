"""What executors elsewhere are made with: where the folders are, the parameters, and the command that does the work."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from autoproc.service.params import ServiceParams
from autoproc.service.processes.begin_process import KEPT_MEMORY, THREADS, paths
from autoproc.service.results.outputs import Outputs

SCRIPT, LOG = "run.sh", "worker.log"
"""In the folder of an attempt: what does the work, and what that prints."""
LOOK = 1.0
"""Seconds between two looks for results: one listing of a folder for all sweeps that are made elsewhere."""


def worker_command() -> tuple[str, ...]:
    """What carries out the order in the folder that is its last argument. -P: see `launch_worker`."""
    return (sys.executable, "-P", "-m", "autoproc", "_execute")


@dataclass(frozen=True, slots=True)
class Site:
    """What executors elsewhere are made with.

    worker : carries out the order in the folder that is its last argument; look : seconds between looks for results
    unseen : seconds in which a file that another machine has written may not be seen here
    """

    outputs: Outputs
    service: ServiceParams
    worker: tuple[str, ...] = field(default_factory=worker_command)
    look: float = LOOK
    unseen: float = 0.0

    def script(self, away: Path) -> str:
        """A shell script that carries out the order in a folder, on any machine that has the same paths.

        Relative names in parameters are meant as the program means them.
        """
        away = away.absolute()
        environment = KEPT_MEMORY | THREADS | {"PYTHONPATH": ":".join(paths())}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
        call = shlex.join([*self.worker, str(away)])
        log, here = shlex.quote(str(away / LOG)), shlex.quote(os.getcwd())
        return "\n".join(["#!/bin/sh", f"exec >>{log} 2>&1", f"cd {here}", *lines, f"exec {call}", ""])
