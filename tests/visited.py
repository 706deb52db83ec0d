"""A visit with one sweep that was really processed, and others in every state, for tests that look at pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from once import made_once
from queued import begun, finished, found
from simulated import simulated_sweep

from autoproc.service.following.followed import Followed
from autoproc.service.following.live_folder import LiveFolder, key_of
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_program
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs

SWEEP, FAILED, RUNNING, WAITING = "small", "failed_1", "running_1", "waiting_1"
COMING = "/data/x_####.cbf"
LIVE = f"live/{key_of(COMING)}"
"""The page of the sweep that is collected."""
AN_HOUR = 3600.0


def visited(tmp_path_factory) -> Path:
    """The folder of results, made once a run of the suite; do not change it."""
    return made_once(tmp_path_factory, "a visit", lambda folder: _made(tmp_path_factory, folder / "processed"))


def visited_while_collected(tmp_path_factory) -> Path:
    """A copy of it, beside which a sweep is collected while this program lives: with all that can be said of it."""
    output = tmp_path_factory.mktemp("collected") / "processed"
    shutil.copytree(visited(tmp_path_factory), output)
    live, one = LiveFolder(Outputs(output)), Followed(COMING, "coming_1")
    images = [(n, 100 + n % 7, 1.5 + 0.01 * (n % 5), 2, 3, 4.0 * (n % 90 > 1)) for n in range(1, 450)]
    said = {
        "n_there": 460,
        "n_planned": 900,
        "n_waiting": 11,
        "n_integrated": 0,
        "every": 2,
        "width": 0.1,
        "images": images,
    }
    light = {"light": "look", "words": ["lattice oP 37.0 43.0 49.0", "ice: 12% of the spots"]}
    one.take([
        {"message": "followed"} | said,
        {"message": "probed", "report": {"rotation": 15.0, "n_images": 150}} | light,
        {"message": "provisional", "words": "so far (50% of the images): 71.5% complete", "report": {}},
        {"message": "ahead", "doing": "Integrating 40%"},
    ])  # fmt: skip
    live.tell(one)
    live.poll()
    (file,) = live.folder.iterdir()
    os.utime(file, (time.time() + AN_HOUR, time.time() + AN_HOUR))  # it is not written again while tests look at it
    return output


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
    queue.programs.attend(this_program(), ["/data"])
    queue.programs.show(this_program(), [Arriving(COMING, "coming_1", 12, "78 images are missing", None)])
    queue.close()
    return output
