"""What is found or named becomes a job, or does not: nothing is processed twice, unless there is a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoproc.service.events import Event, Listener
from autoproc.service.found_sweep import FoundSweep, ListedImages
from autoproc.service.job import Job, State
from autoproc.service.jobs import AddResult, JobQueue
from autoproc.service.outputs import Outputs
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

    def take(self, found: FoundSweep | ListedImages) -> None:
        """Take in what watching has found. Results that somebody has deleted are made again."""
        if isinstance(found, ListedImages):
            self.queue.list_images(found)
            text = f"{found.path}: {counted(found.n_images, 'image')} listed, not processed: {found.reason}"
            self._tell(Event("listed", "", {"text": text, "what": found.what, "path": str(found.path)}))
            return
        known = self.queue.by_fingerprint(found.fingerprint)
        again = known is not None and self._has_lost_results(known)
        self._say(self.queue.add(found, again=again), found)

    def take_named(self, found: FoundSweep, settings: Settings) -> Job:
        """Take in what the user has named: tried again if it failed, or with other parameters than before."""
        known = self.queue.by_fingerprint(found.fingerprint) or self._replaced_by(found)
        if known is None:
            added = self.queue.add(found, base=settings)
        elif known.fingerprint == found.fingerprint and self._is_settled_so(known, found, settings):
            added = self.queue.add(found)
        else:
            added = self.queue.add(found, base=settings, again=True, in_place_of=known.id)
        if added.outcome == "known":
            self._say_already(self.queue.job(added.job_id))
        else:
            self._say(added, found)
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

        What was asked for by `autoproc reprocess` and still waits is done as it was asked for.
        """
        if job.state is State.running or (job.state is State.queued and job.parameters):
            return True
        is_same = job.settings == settings and job.image_range == found.image_range
        return job.state is State.processed and is_same and not self._has_lost_results(job)

    def _has_lost_results(self, job: Job) -> bool:
        return job.state is State.processed and not self.outputs.has_results(job.name)

    def _say(self, added: AddResult, found: FoundSweep) -> None:
        if added.outcome == "known":
            return
        name = self.queue.job(added.job_id).name
        kind = "found" if added.outcome == "new" else added.outcome
        partial = found.reason if found.state == "partial" else ""
        facts = {"n_images": found.n_images, "path": str(found.path), "partial": partial}
        self._tell(Event(kind, name, facts))

    def _say_already(self, job: Job) -> None:
        if job.state is State.running:
            self._tell(Event("already", job.name, {"text": "already being processed"}))
            return
        text = f"already processed: {self.outputs.results(job.name)}; `autoproc reprocess {job.name}` does it again"
        self._tell(Event("already", job.name, {"text": text}))
