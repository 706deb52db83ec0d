"""What is found or named becomes a job, or does not: nothing is processed twice, unless there is a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoproc.errors import AutoprocError
from autoproc.legible import legible
from autoproc.service.events import Event, Listener, parameters_in_words
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import AddResult, JobQueue
from autoproc.service.processing.order import settings_with
from autoproc.service.results.outputs import Outputs
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.visits.changed_since import changed_files
from autoproc.wording import counted

Settings = Mapping[str, Mapping[str, Any]]


class Intake:
    """Decides what becomes of sweeps that are found by watching, or named on the command line."""

    def __init__(self, queue: JobQueue, outputs: Outputs, tell: Listener) -> None:
        self.queue, self.outputs, self._tell = queue, outputs, tell

    def n_known(self, fingerprint: str) -> int:
        """Of these images, how many are taken care of; 0 if nobody has seen them, or the results are gone."""
        job = self.queue.by_fingerprint(fingerprint)
        return 0 if job is None or self._has_lost_results(job) else job.n_images

    def take(self, *found: FoundSweep | ListedImages) -> None:
        """Take in what watching has found. Results that somebody has deleted are made again.

        All of it is put on the disk at once; only then is it told.
        """
        with self.queue.together():
            events = [self._taken(one) for one in found]
        for event in events:
            if event is not None:
                self._tell(event)

    def _taken(self, found: FoundSweep | ListedImages) -> Event | None:
        """Into the queue; returns what there is to tell."""
        if isinstance(found, ListedImages):
            self.queue.list_images(found)
            images, why = counted(found.n_images, "image"), legible(found.reason)
            text = f"{legible(found.path)}: {images} listed, not processed: {why}"
            facts = {"text": text, "what": found.what, "path": str(found.path)}
            return Event("listed", "", facts | ({"details": found.details} if found.details else {}))
        known = self.queue.by_fingerprint(found.fingerprint)
        again = known is not None and self._has_lost_results(known)
        return self._event_of(self.queue.add(found, again=again), found)

    def take_named(self, found: FoundSweep, settings: Settings) -> Job:
        """Take in what the user has named: tried again if it failed, or with other parameters than before."""
        known = self.queue.by_fingerprint(found.fingerprint) or self._replaced_by(found)
        if known is None:
            added = self.queue.add(found, base=settings)
        elif known.fingerprint == found.fingerprint and self._is_settled_so(known, found, settings):
            added = self.queue.add(found)
        else:
            stands = known.fingerprint == found.fingerprint and stands_on(known, settings)
            added = self.queue.add(found, base=settings, again=True, in_place_of=known.id, keep_changes=stands)
        if added.outcome == "known":
            self._say_already(self.queue.job(added.job_id))
        else:
            event = self._event_of(added, found)
            if event is not None:
                self._tell(event)
        return self.queue.job(added.job_id)

    def _replaced_by(self, found: FoundSweep) -> Job | None:
        """The job whose images have made way for these: of the same path, with images of the same numbers."""
        first, last = found.image_range or (0, 1 << 62)
        for job in self.queue.by_path(str(found.path)):
            low, high = job.image_range or (first, last)
            if low <= last and first <= high:
                return job
        return None

    def _is_settled_so(self, job: Job, found: FoundSweep, settings: Settings) -> bool:
        """The same images are, or are being, processed with these settings, and the results are there.

        What was asked for by `autoproc reprocess` stands, done or waiting, until other settings are given.
        """
        if job.state is JobState.running:
            return True
        is_same = stands_on(job, settings) and job.image_range == found.image_range
        if job.state is JobState.queued:
            return is_same or bool(job.parameters)
        return job.state is JobState.processed and is_same and not self._has_lost_results(job)

    def _has_lost_results(self, job: Job) -> bool:
        return job.state is JobState.processed and not self.outputs.has_results(job.name)

    def _event_of(self, added: AddResult, found: FoundSweep) -> Event | None:
        if added.outcome == "known":
            return None
        job = self.queue.job(added.job_id)
        name, was_begun = job.name, job.run > 0
        kind = added.outcome if added.outcome != "new" and was_begun else "found"
        partial = found.reason if found.state == "partial" else ""
        first, last = found.image_range or (1, found.n_images)
        whole = max(last - first + 1, found.n_images)
        facts = {
            "n_images": found.n_images, "n_whole": whole, "path": str(found.path), "partial": partial,
            "changes": job.parameters,
        }  # fmt: skip
        return Event(kind, name, facts)

    def _say_already(self, job: Job) -> None:
        if job.state is JobState.running:
            self._tell(Event("already", job.name, {"text": "already being processed"}))
            return
        changes = f" with {parameters_in_words(job.parameters)} as asked for" if job.parameters else ""
        if job.state is JobState.queued:
            self._tell(Event("already", job.name, {"text": f"in the queue, to be processed{changes}"}))
            return
        place = self.outputs.results(job.name)
        files = ", ".join(map(str, changed_files(job, self.outputs.output)))
        since = f", with {files}, changed since" if files else ""
        text = f"already processed{changes}: {place}; `autoproc reprocess {job.name}` does it again{since}"
        self._tell(Event("already", job.name, {"text": text}))


def stands_on(job: Job, settings: Settings) -> bool:
    """What the job was, or is to be, processed with are these settings, and on top what `reprocess` has changed.

    Of a sweep that was found, settings that say otherwise than `reprocess` are taken to be meant.
    """
    if settings in (job.base, job.settings):
        return True
    if job.base is not None or job.settings is None or not _agree(settings, job.settings):
        return False
    try:
        return settings_with(settings, job.parameters) == job.settings
    except AutoprocError:  # parameters of an earlier version
        return False


def _agree(some: Settings, all_: Settings) -> bool:
    return all(all_.get(table, {}).get(key) == value for table, keys in some.items() for key, value in keys.items())
