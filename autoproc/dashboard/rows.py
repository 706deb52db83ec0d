"""A sweep as lists of sweeps show it: the same facts on the page, in events, in the interface for programs, in CSV."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from autoproc.legible import legible
from autoproc.reports.in_group import group_of, verdict_of
from autoproc.reports.visit_index import ALONE, judged
from autoproc.service.job_queue.job import INTERRUPTED, TO_RESUME, Job, JobState
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.results.brief import doubts_in_words

FIGURES = (
    "space_group", "unit_cell", "d_min", "completeness", "multiplicity", "r_meas_inner", "cc_half", "isa",
    "cc_anom_inner", "n_lattices",
)  # fmt: skip
"""Taken from the results as they are; None where there are none, or where earlier results lack one."""
PROGRESS = re.compile(r"(?P<doing>.*?)(?: (?P<percent>\d{1,3})%)?(?P<where> \(.*\)|; .*)?")
"""Where it is not with this machine's workers as usual, that is said behind."""
VERBS: Mapping[str, tuple[str, ...]] = {
    JobState.queued: ("first", "cancel"), JobState.running: ("cancel",), JobState.processed: ("reprocess",),
    JobState.failed: ("retry", "reprocess"), JobState.set_aside: ("retry", "reprocess"), JobState.cancelled: ("retry",),
    JobState.not_combined: ("retry",), INTERRUPTED: ("cancel",),
}  # fmt: skip
"""What can be asked for of a sweep in a state."""


def row_of(job: Job, interrupted: Collection[int] = ()) -> dict[str, Any]:
    """A sweep's facts; interrupted : numbers of those under way on which nobody works."""
    state = INTERRUPTED if job.id in interrupted else str(job.state)
    result: Mapping[str, Any] = job.result if job.state is JobState.processed else {}
    group = in_group(job)
    lamp, words = judged(state, verdict_of(job.result if group else result))
    progress = PROGRESS.fullmatch(job.progress if state == JobState.running else "")
    percent = progress["percent"] if progress else None
    return {
        "id": job.id, "name": legible(job.name), "state": state, "lamp": lamp, "verdict": words,
        "visit": legible(job.visit), "path": legible(job.path), "folder": legible(job.path.rpartition("/")[0]),
        "kind": job.kind, "run": job.run,
        "group": legible(group.get("name", "")), "members": list(map(legible, result.get("members") or ())),
        "left_out": list(map(legible, result.get("left_out") or ())),
        "n_images": result.get("n_images") or job.n_images,
        "n_images_used": result.get("n_images_used"),
        **{figure: result.get(figure) for figure in FIGURES},
        "words": legible(_words(job, state)),
        "hint": legible(job.hint if state in (JobState.failed, JobState.set_aside) and words != ALONE else ""),
        "doing": legible(progress["doing"] + (progress["where"] or "")) if progress else "",
        "percent": None if percent is None else int(percent),
        "started_at": job.started_at, "finished_at": job.finished_at, "found_at": job.found_at,
        **job.times, "priority": job.priority,
        "can": list(VERBS.get(state, ())),
    }  # fmt: skip


def in_group(job: Job) -> Mapping[str, Any]:
    """How its results stand in their group; empty without a group, and while they are made anew."""
    return group_of(job.result) if job.state in (JobState.processed, JobState.failed) else {}


def _words(job: Job, state: str) -> str:
    """What is to be said of it."""
    if state == INTERRUPTED:
        return TO_RESUME
    if job.state is JobState.running:
        return job.progress
    if job.state is JobState.queued:
        return _waiting(job)
    said = doubts_in_words(job.result) if job.state is JobState.processed else job.error
    group = in_group(job).get("words", "") if job.state is JobState.failed else ""
    partial = f"partial: {job.partial}" if job.partial else ""
    own = f"alone: {said}" if group and said else said
    return "; ".join(filter(None, (group, own, partial, "" if job.damage == said else job.damage)))


def _waiting(job: Job) -> str:
    later = f"tried again at {datetime.fromtimestamp(job.not_before):%H:%M:%S}" if job.not_before > 0 else ""
    first, partial = "goes first" if job.priority > 0 else "", f"partial: {job.partial}" if job.partial else ""
    return "; ".join(filter(None, (job.error, later, first, partial, job.damage)))


def arriving_row(arriving: Arriving) -> dict[str, Any]:
    """Images that are coming, as a sweep's facts."""
    facts = arriving.facts()
    return facts | {key: legible(facts[key]) for key in ("path", "name", "words")}
