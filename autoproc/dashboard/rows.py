"""A sweep as lists of sweeps show it: the same facts on the page, in events, in the interface for programs, in CSV."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from autoproc.legible import legible
from autoproc.reports.visit_index import judged
from autoproc.service.job import INTERRUPTED, TO_RESUME, Job, State
from autoproc.service.result import doubts_in_words

FIGURES = (
    "space_group", "unit_cell", "d_min", "completeness", "multiplicity", "r_meas_inner", "cc_half", "n_lattices",
)  # fmt: skip
"""Taken from the results as they are."""


def row_of(job: Job, interrupted: Collection[int] = ()) -> dict[str, Any]:
    """A sweep's facts; interrupted : numbers of those under way on which nobody works."""
    state = INTERRUPTED if job.id in interrupted else str(job.state)
    result: Mapping[str, Any] = job.result if job.state is State.processed else {}
    lamp, words = judged(state, str(result.get("verdict") or ""))
    return {
        "id": job.id, "name": legible(job.name), "state": state, "lamp": lamp, "verdict": words,
        "visit": legible(job.visit), "path": legible(job.path),
        "n_images": result.get("n_images") or job.n_images,
        "n_images_used": result.get("n_images_used"),
        **{figure: result.get(figure) for figure in FIGURES},
        "words": legible(_words(job, state)),
        "started_at": job.started_at, "finished_at": job.finished_at, "found_at": job.found_at,
        "latency": job.latency,
    }  # fmt: skip


def _words(job: Job, state: str) -> str:
    """What is to be said of it."""
    if state == INTERRUPTED:
        return TO_RESUME
    if job.state is State.running:
        return job.progress
    said = doubts_in_words(job.result) if job.state is State.processed else job.error
    partial = f"partial: {job.partial}" if job.partial else ""
    return "; ".join(filter(None, (said, partial)))
