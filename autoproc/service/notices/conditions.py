"""What is wrong now, of all that the staff wants to be told of: from facts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autoproc.legible import legible
from autoproc.service.events import duration
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.notices.params import NoticeParams
from autoproc.wording import counted, first_of

What = Literal["late", "beam", "queue", "disk", "failures"]
NAMES: Mapping[str, str] = {
    "late": "images late", "beam": "beam off", "queue": "queue long", "disk": "disk filling",
    "failures": "many failures in a row",
}  # fmt: skip
WITHOUT_BEAM = 0.1
"""Part of a sweep's images without beam from which the sweep counts: single ones are lost as shutters and top-ups have
it. Chosen, not measured."""
BAD_ENDS = (JobState.failed, JobState.set_aside)


@dataclass(frozen=True, slots=True)
class Late:
    """A sweep that lacks images, how many came, and how long none has, seconds."""

    name: str
    n_images: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Room:
    """A disk: a folder on it, the part of it that is free, and how many bytes these are."""

    folder: str
    free: float
    n_bytes: int


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """How things stand. ended : sweeps that were processed or failed, the latest first."""

    late: Sequence[Late] = ()
    n_waiting: int = 0
    ended: Sequence[Job] = ()
    rooms: Sequence[Room] = ()


def conditions(facts: NoticeFacts, params: NoticeParams) -> dict[What, str]:
    """What is wrong, each in a sentence."""
    found: dict[What, str] = {
        "late": _late(facts.late, params.images_late),
        "beam": _beam(facts.ended, params.beam_off),
        "queue": _queue(facts.n_waiting, params.queue_long),
        "disk": _disk(facts.rooms, params.disk_free),
        "failures": _failures(facts.ended, params.failures_in_row),
    }
    return {what: legible(words) for what, words in found.items() if words}


def _late(late: Sequence[Late], limit: float) -> str:
    waiting = [f"{one.name} ({one.n_images} there)" for one in late if one.seconds > limit]
    longest = max((one.seconds for one in late), default=0.0)
    return f"no image for {duration(longest)}: {first_of(waiting)}" if limit and waiting else ""


def _beam(ended: Sequence[Job], limit: int) -> str:
    last = ended[:limit]
    if not limit or len(last) < limit or not all(map(lacks_beam, last)):
        return ""
    return f"{counted(limit, 'sweep')} in a row without beam, or without a spot: {first_of([job.name for job in last])}"


def lacks_beam(job: Job) -> bool:
    """A sweep with a notable part of its images without beam, or without any spot."""
    result: Mapping[str, Any] = job.result
    n_images = result.get("n_images") or job.n_images
    is_spotless = (
        result.get("error_stage") == "find_spots" and not result.get("n_spots") and job.state is JobState.failed
    )
    return bool(is_spotless or (result.get("n_without_beam") or 0) > WITHOUT_BEAM * max(n_images, 1))


def _queue(n_waiting: int, limit: int) -> str:
    return f"{n_waiting} sweeps wait to be processed" if limit and n_waiting > limit else ""


def _disk(rooms: Sequence[Room], limit: float) -> str:
    full = [f"{room.folder} ({room.free:.1%}, {room.n_bytes / 1e9:.0f} GB)" for room in rooms if room.free < limit]
    return f"little room is left: {first_of(full)}" if limit and full else ""


def _failures(ended: Sequence[Job], limit: int) -> str:
    last = ended[:limit]
    if not limit or len(last) < limit or not all(job.state in BAD_ENDS for job in last):
        return ""
    why = last[0].error or last[0].result.get("error") or "no reason is known"
    return f"the last {counted(limit, 'sweep')} failed, of these {last[0].name}: {why}"
