"""What all pages share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.requests import Request

from autoproc.dashboard.feed import Feed
from autoproc.dashboard.live_sweeps import LiveSweeps
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.reader import QueueReader
from autoproc.dashboard.thumbnails import Thumbnails
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.results.outputs import Outputs
from autoproc.service.sweeps.sample_groups import COMBINED
from autoproc.viewing.images import ImageRoom
from autoproc.viewing.subject import Subject


@dataclass(frozen=True, slots=True)
class Visit:
    """A folder of results, its queue, and what happens there."""

    outputs: Outputs
    reader: QueueReader
    feed: Feed
    thumbnails: Thumbnails
    live: LiveSweeps


@dataclass(frozen=True, slots=True)
class Website:
    """What is shown.

    subject : what is looked at under a name: of a sweep, or "" for the files that a user has named; raises UnknownSweep
    visit : None where only files are looked at; images : those that were looked at lately
    """

    title: str
    params: ServeParams
    subject: Callable[[str], Subject]
    visit: Visit | None = None
    images: ImageRoom = field(default_factory=ImageRoom)


def site_of(request: Request) -> Website:
    """The site that a request is for, as whoever asks may see it (part_of_site.py)."""
    site = request.scope.get("site") or request.app.state.site
    assert isinstance(site, Website)
    return site


def visit_of(request: Request) -> Visit:
    """The visit that a request is for; only the pages of visits ask."""
    visit = site_of(request).visit
    assert visit is not None
    return visit


async def subject_in(request: Request) -> Subject:
    """What the address names: a sweep of the queue, or the files that a user has named. Raises UnknownSweep.

    The models of a sweep may name its own images alone, and those of a group the images of its sweeps.
    """
    site, name = site_of(request), request.path_params.get("name", "")
    if site.visit is None:
        return site.subject(name)
    folders = await site.visit.reader.ask(lambda queue: _image_folders(queue, name))
    return replace(site.subject(name), folders=folders)


def _image_folders(queue: JobQueue, name: str) -> tuple[Path, ...]:
    job = queue.named(name)
    if job.kind != COMBINED:
        return (Path(job.path).parent,)
    members = [queue.by_name(member) for member in job.result.get("members", ())]
    return tuple(dict.fromkeys(Path(one.path).parent for one in members if one is not None))
