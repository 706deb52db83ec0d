"""Queues with sweeps in them, for tests of whatever shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.queue_file import queue_path
from autoproc.service.results.outputs import Outputs
from autoproc.service.sweeps.found_sweep import FoundSweep

RESULT: dict[str, Any] = {
    "status": "processed", "error": None, "hint": None, "retryable": False, "verdict": "good", "look_at": [],
    "warnings": [], "space_group": "P 21 21 21", "unit_cell": [40.0, 50.0, 60.0, 90.0, 90.0, 90.0], "n_lattices": 1,
    "d_min": 1.5, "n_images": 90, "n_images_used": 90, "completeness": 99.0, "multiplicity": 6.5, "r_meas": 0.05,
    "r_meas_inner": 0.03, "r_pim": 0.02, "cc_half": 0.999, "i_over_sigma": 15.0,
}  # fmt: skip


def found(name: str, **changes: Any) -> FoundSweep:
    """A sweep as the watcher finds it."""
    one = FoundSweep(Path(f"/data/{name}_####.cbf"), "cbf", (1, 90), 90, f"mark of {name}", "complete", "", name,
                     "/data", 900.0)  # fmt: skip
    return replace(one, **changes)


def queue_in(output: Path) -> JobQueue:
    """A new queue in a folder of results."""
    outputs = Outputs(output)
    outputs.make_folders()
    return JobQueue(queue_path(outputs))


def begun(queue: JobQueue) -> Job:
    """The next sweep, under way."""
    job = queue.claim("me", 60.0)
    assert job is not None
    return job


def finished(queue: JobQueue, name: str, **result: Any) -> Job:
    """A sweep with its results."""
    queue.add(found(name))
    job = begun(queue)
    state = JobState.failed if result.get("status") == "failed" else JobState.processed
    assert queue.finish(job, state, RESULT | result, {})
    return queue.job(job.id)
