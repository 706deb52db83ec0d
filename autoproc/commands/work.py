"""`autoproc _work`: a worker process of `autoproc run`; not for people."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

NICENESS = 5
"""Added to a worker's niceness: what finds images, answers and says that it is alive goes first while sweeps are
computed on every core. 10,000 sweeps were found in 68 s on two cores beside a worker, in 86 s without it (measured)."""
LOADED_LATE = (
    "numpy.ma", "scipy.fft", "scipy.linalg", "scipy.ndimage", "scipy.optimize", "scipy.sparse", "scipy.spatial",
    "scipy.special", "autoproc.formats.hdf5.nexus", "autoproc.service.processing.follow_sweep",
)  # fmt: skip
"""What the stages ask for when they first need it. A worker has time for it while it waits for a sweep: 0.6 s."""
GARBAGE_THRESHOLD = 50_000
"""New objects after which Python looks for cycles among them, many times what it begins with: stages make large arrays,
which are in no cycle, and few objects. Looking took 0.6 s of a sweep of 600 images (simulated, 93,000 spots) as Python
begins, and takes 0.03 s with this and all that is loaded set aside."""


def work_command(reports: int) -> None:
    """Wait for one sweep on the standard input, process it, report on the pipe of this number."""
    with suppress(OSError):
        os.nice(NICENESS)
    from autoproc.service.executing.worker import work  # noqa: PLC0415
    from autoproc.service.processing.process_job import process_job  # noqa: PLC0415  (loads every stage)

    load_all()
    work(reports, process_job)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(
        0
    )  # all is on the disk and told; to take the interpreter apart takes a second, for which the program waits


def execute_command(away: str) -> int:
    """Carry out the order that lies in a folder, on whatever machine; returns the exit status."""
    with suppress(OSError):
        os.nice(NICENESS)
    from autoproc.service.executing.execution import execute  # noqa: PLC0415
    from autoproc.service.processing.process_job import process_job  # noqa: PLC0415  (loads every stage)

    return execute(Path(away), process_job)


def load_all() -> None:
    """Load what the stages and the report will need, and set it aside from what is looked through for garbage."""
    from autoproc.reports.page import compile_templates  # noqa: PLC0415  (loads the template engine)

    for module in LOADED_LATE:
        importlib.import_module(module)
    compile_templates()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
