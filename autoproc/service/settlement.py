"""What becomes of a sweep when an attempt at it is over: results in their place, another attempt, or set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autoproc.passing import remedy
from autoproc.service.events import Event, Kind
from autoproc.service.executing.executor import Standing
from autoproc.service.executing.worker_process import gist
from autoproc.service.grouping import note_in_results, tell_sweeps
from autoproc.service.job_queue.job import Job, State
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.params import ServiceParams
from autoproc.service.processing.outputs import Outputs

LONGEST_DELAY = 3600.0
ENDS: Mapping[State, Kind] = {
    State.processed: "processed", State.failed: "failed", State.not_combined: "not combined",
}  # fmt: skip
"""What is told of an attempt that is over."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Closes attempts in the queue and in the folders of results. is_patient : try again what may pass."""

    queue: JobQueue
    outputs: Outputs
    service: ServiceParams
    tell: Callable[[Event], None]
    is_patient: bool = True

    def conclude(
        self, job: Job, result: Mapping[str, Any], settings: Mapping[str, Any], *, is_fresh: bool = False
    ) -> None:
        """An attempt is over: put its results in their place and say so, or put it back for later.

        is_fresh : a worker of ours has just said so, so that its folder must be there
        """
        if not self.queue.heartbeat(job, self.service.lease):
            self.outputs.clean(job.name, job.run)
            return
        if result["retryable"] and self.may_retry(job):
            self.put_back(job, result["error"] or result.get("lost") or "")
            return
        try:
            if is_fresh:
                self.outputs.require_folder(job.name, job.run, State(result["status"]) is State.processed)
            self.outputs.put_in_place(job.name, job.run)
        except OSError as error:
            self.fail_to_write(job, error)
            return
        state = State(result["status"])
        with self.queue.together():
            self.queue.finish(job, state, result, settings)
            told = tell_sweeps(self.queue, job, dict(result))
        note_in_results(self.outputs, told)
        self.outputs.clean(job.name, job.run)
        done = self.queue.job(job.id)
        facts = dict(result) | done.times | {"path": job.path, "attempt": job.attempts}
        self.tell(Event(ENDS[state], job.name, facts))

    def bury(self, job: Job, ended: Standing) -> None:
        """The attempt has ended without an outcome: it is tried again, or the sweep is set aside."""
        if not ended.is_its_doing:
            self._try_elsewhere(job, ended)
            return
        because, words = ended.because, ended.last_words
        hint = "`autoproc status --json` has its story; `autoproc retry` tries it again"
        if words:
            hint = f"{hint}; its last words: {gist(words)}"
        state = self.queue.crashed(job, because, hint, self.service.max_crashes)
        self.outputs.clean(job.name, job.run)
        if state is State.set_aside:
            self.tell(Event("set aside", job.name, {"error": because, "hint": hint, "words": words}))
        elif state is not None:
            self.tell(Event("crashed", job.name, {"error": because, "words": words}))

    def _try_elsewhere(self, job: Job, ended: Standing) -> None:
        """A machine or its scheduler ended it: that is no fault of the sweep, but it does not go on for ever."""
        if job.attempts < self.service.max_attempts:
            self.put_back(job, ended.because)
            return
        hint = "look after the machines that process, then `autoproc retry` tries it again"
        result = failed(ended.because, hint, "output")
        self.queue.finish(job, State.failed, result, {})
        self.outputs.clean(job.name, job.run)
        self.tell(Event("failed", job.name, result | {"path": job.path}))

    def may_retry(self, job: Job) -> bool:
        """There is to be another attempt at what fails for a passing reason."""
        return self.is_patient and job.attempts < self.service.max_attempts

    def put_back(self, job: Job, because: str) -> None:
        """Begin it again after a delay, that doubles."""
        delay = min(self.service.retry_delay * 2 ** (job.attempts - 1), LONGEST_DELAY)
        self.queue.release(job, because, delay)
        self.outputs.clean(job.name, job.run)
        self.tell(Event("put back", job.name, {"error": because, "delay": delay, "attempt": job.attempts}))

    def fail_to_write(self, job: Job, error: OSError) -> None:
        """The system refuses to write the results."""
        message = f"{error.strerror or error} ({error.filename or self.outputs.output})"
        if self.may_retry(job):
            self.put_back(job, message)
            return
        result = failed(message, remedy(error), "output")
        self.queue.finish(job, State.failed, result, {})
        self.tell(Event("failed", job.name, result | {"path": job.path}))


def failed(message: str, hint: str, stage: str) -> dict[str, Any]:
    """The result of a sweep that no worker could be given."""
    return {"status": "failed", "error": message, "hint": hint, "error_stage": stage, "retryable": False}
