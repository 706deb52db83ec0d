"""A visit with one sweep that was really processed, and others in every state, for tests that look at pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from once import made_once
from queued import begun, finished, found
from simulated import simulated_sweep

from autoproc.service.job_queue.owner import this_program
from autoproc.service.job_queue.presence import Arriving
from autoproc.service.processing.outputs import Outputs
from autoproc.service.queue_file import queue_there

SWEEP, FAILED, RUNNING, WAITING = "small", "failed_1", "running_1", "waiting_1"


def visited(tmp_path_factory) -> Path:
    """The folder of results, made once a run of the suite; do not change it."""
    return made_once(tmp_path_factory, "a visit", lambda folder: _made(tmp_path_factory, folder / "processed"))


def _made(tmp_path_factory, output: Path) -> Path:
    start = simulated_sweep(tmp_path_factory, n_images=30, d_min=2.8).start
    images = start.parent
    command = [sys.executable, "-m", "autoproc", "run", str(images), "--once", "--output", str(output), "-j", "1"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    queue = queue_there(Outputs(output))
    queue.add(found(FAILED, path=start, image_range=None))
    finished(queue, FAILED, status="failed", error="no spots were found on 90 images", verdict=None,
             hint="look at an image: if there is no diffraction, centre the crystal")  # fmt: skip
    queue.add(found(RUNNING, path=start, image_range=None))
    queue.heartbeat(begun(queue), 3600.0, "integrate")
    queue.add(found(WAITING, path=start, image_range=None, reason="40 of 90 images are there", state="partial"))
    queue.presence.attend(this_program(), ["/data"])
    queue.presence.show(this_program(), [Arriving("/data/x_####.cbf", "coming_1", 12, "78 images are missing", None)])
    queue.close()
    return output
