"""`autoproc _work`: a worker process of `autoproc run`; not for people."""

from __future__ import annotations

import os
import sys


def work_command(reports: int) -> None:
    """Wait for one sweep on the standard input, process it, report on the pipe of this number."""
    from autoproc.service.worker import work  # noqa: PLC0415  (loads every stage)

    work(reports)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(
        0
    )  # all is on the disk and told; to take the interpreter apart takes a second, for which the program waits
