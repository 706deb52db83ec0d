"""`autoproc _work`: a worker process of `autoproc run`; not for people."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

NICENESS = 5
"""Added to a worker's niceness: what finds images, answers and says that it is alive goes first while sweeps are
computed on every core. 10,000 sweeps were found in 68 s on two cores beside a worker, in 86 s without it (measured)."""


def work_command(reports: int) -> None:
    """Wait for one sweep on the standard input, process it, report on the pipe of this number."""
    with suppress(OSError):
        os.nice(NICENESS)
    from autoproc.service.worker import work  # noqa: PLC0415  (loads every stage)

    work(reports)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(
        0
    )  # all is on the disk and told; to take the interpreter apart takes a second, for which the program waits
