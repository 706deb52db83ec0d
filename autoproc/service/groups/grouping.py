"""Groups of sweeps go into the queue: once their sweeps are settled, and again when one was added or done anew."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from autoproc.decisions.joint import MOST_SPOTS
from autoproc.reports.in_group import standings
from autoproc.service.events import Event
from autoproc.service.groups.params import GroupParams
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import AddResult, JobQueue
from autoproc.service.processes.time_share import Share
from autoproc.service.results.group_note import note_group
from autoproc.service.results.outputs import Outputs
from autoproc.service.sweeps.found_sweep import FoundSweep
from autoproc.service.sweeps.sample_groups import COMBINED, SampleGroup, SweepPlace, sample_groups

TELLING = ("found", "extended", "again", "processed", "failed", "set aside", "stopped")
"""Events after which another sweep may be settled."""
LEAST_INTERVAL = 1.0
"""Seconds between two looks at the queue at least."""
LARGEST_SHARE = 0.05
"""Part of the time that looking may take: the more sweeps, the rarer it is. Chosen, as for the pages."""


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """How the results of an attempt (run) at a sweep stand in its group; None where they are in none."""

    run: int
    standing: Mapping[str, Any] | None


class Grouping:
    """Looks at the queue when something has happened, and has groups processed. A listener.

    only : numbers of the jobs that this run is to process, to which those of groups are added; None: all
    """

    def __init__(
        self,
        queue: JobQueue,
        outputs: Outputs,
        params: GroupParams,
        tell: Callable[[Event], None],
        only: list[int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue, self._outputs, self._params, self._tell, self._only = queue, outputs, params, tell, only
        self._is_stale = True
        self._looking = Share(LARGEST_SHARE, LEAST_INTERVAL, clock)

    def __call__(self, event: Event) -> None:
        """Something has happened."""
        self._is_stale = self._is_stale or event.kind in TELLING

    @property
    def is_settled(self) -> bool:
        """Nothing has happened since the last look."""
        return not self._is_stale

    def poll(self) -> None:
        """Put the groups into the queue that are to be processed, not too soon after the last look."""
        if not self._is_stale or not self._looking.is_due:
            return
        self._is_stale = False
        with self._looking.taken():
            self._look()

    def _look(self) -> None:
        places = self._queue.places()
        done = places_to_join(self._queue)
        open_ones = {place.name for place, state in places if not state.is_settled}
        every = groups_of([place for place, _ in places], self._params)
        is_open = {group.key: not open_ones.isdisjoint(group.members) for group in every}
        for group in groups_of(done, self._params):
            if not is_open.get(group.key, False) and self._is_ours(group):
                self._take(group)

    def _is_ours(self, group: SampleGroup) -> bool:
        if self._only is None:
            return True
        return any((job := self._queue.by_name(name)) is not None and job.id in self._only for name in group.members)

    def _take(self, group: SampleGroup) -> None:
        found = found_group(group)
        known = self._queue.by_fingerprint(found.fingerprint)
        if known is not None and not self._is_out_of_date(known, group):
            self._wait_for(known)
            return
        added: AddResult = self._queue.add(found, again=known is not None and known.state.is_settled)
        if self._only is not None and added.job_id not in self._only:
            self._only.append(added.job_id)
        if added.outcome != "known":
            job = self._queue.job(added.job_id)
            kind = "found" if added.outcome == "new" else added.outcome
            n = len(group.sweeps)
            facts = {"n_images": job.n_images, "n_whole": job.n_images, "path": job.path, "partial": "",
                     "changes": job.parameters, "n_sweeps": n}  # fmt: skip
            self._tell(Event(kind, job.name, facts))

    def _wait_for(self, known: Job) -> None:
        """A run of named sweeps does their group too: asked for anew, or left by a program that died."""
        if self._only is not None and not known.state.is_settled and known.id not in self._only:
            self._only.append(known.id)

    def _is_out_of_date(self, known: Job, group: SampleGroup) -> bool:
        """Its result is of other sweeps, or of earlier results of these; or somebody has deleted it."""
        if known.state in (JobState.queued, JobState.cancelled, JobState.set_aside):
            return False
        if known.state is JobState.running:
            return found_group(group).n_images > known.n_images
        if known.state is JobState.processed and not self._outputs.has_results(known.name):
            return True
        return known.result.get("members") != group.members


def places_to_join(queue: JobQueue) -> list[SweepPlace]:
    """The sweeps that a group can be made of: processed ones, and those that failed for having few spots alone."""
    failed = queue.failed_with_spots(MOST_SPOTS)
    return [place for place, state in queue.places() if state is JobState.processed or place.name in failed]


def groups_of(places: Collection[SweepPlace], params: GroupParams) -> list[SampleGroup]:
    """The groups of sweeps, as the configuration has it."""
    return sample_groups(list(places), params.by, params.patterns)


def found_group(group: SampleGroup) -> FoundSweep:
    """A group as what goes into the queue; of the visit of its sweeps where they are of one."""
    identity = hashlib.sha256(b"combined\0" + group.key.encode(errors="surrogateescape")).hexdigest()
    folders = {str(PurePath(sweep.path).parent) for sweep in group.sweeps}
    place = PurePath(min(folders)) if len(folders) == 1 else PurePath(min(folders)).parent
    n_images = sum(sweep.n_images for sweep in group.sweeps)
    visits = {sweep.visit for sweep in group.sweeps}
    visit = visits.pop() if len(visits) == 1 else ""
    return FoundSweep(
        Path(place / group.name), "combined", None, n_images, identity, "complete", "", f"{COMBINED}/{group.name}",
        visit, time.time(),
    )  # fmt: skip


def members_of(job: Job, queue: JobQueue, params: GroupParams) -> tuple[SweepPlace, ...]:
    """The sweeps of a group's job that can be put together by now; none of a sweep's job."""
    if job.kind != "combined":
        return ()
    done = places_to_join(queue)
    for group in groups_of(done, params):
        if found_group(group).fingerprint == job.fingerprint:
            return group.sweeps
    return ()


def tell_sweeps(queue: JobQueue, group: Job, result: Mapping[str, Any]) -> dict[str, GroupStanding]:
    """The sweeps of a group that is done are told how they stand in it; result : the gist of its summary.

    Returns what each was told, also those that are not part of it any more; nothing for what is no group.
    """
    if group.kind != COMBINED:
        return {}
    runs: Mapping[str, int] = result.get("members") or {}
    before = queue.membership.sweeps_of(group.name)
    own = queue.membership.results(runs) if result.get("status") == JobState.processed else {}
    found = standings(group.name, result, own)
    queue.membership.tell(group.name, runs, found)
    gone = {name: GroupStanding(run, None) for name, run in before.items() if name not in found}
    return gone | {name: GroupStanding(runs[name], standing) for name, standing in found.items()}


def note_in_results(outputs: Outputs, told: Mapping[str, GroupStanding]) -> None:
    """The sweeps' results say it too; a disk that does not let them costs nobody a result."""
    for name, one in told.items():
        with suppress(OSError):
            note_group(outputs.results(name), name, one.run, one.standing)
