"""What becomes of a sweep when an attempt at it is over: results in their place, another attempt, or set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from autoproc.service.events import Event, Kind
from autoproc.service.executing.executor import Standing
from autoproc.service.groups.grouping import note_in_results, tell_sweeps
from autoproc.service.job_queue.job import Job, JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.lifecycle.observer import Lifecycle, NextStep
from autoproc.service.params import ServiceParams
from autoproc.service.results.latency_note import note_latency
from autoproc.service.results.outputs import Outputs

ENDS: Mapping[JobState, Kind] = {
    JobState.processed: "processed", JobState.failed: "failed", JobState.not_combined: "not combined",
}  # fmt: skip
"""What is told of an attempt that is over."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Closes attempts in the queue and in the folders of results, as the observers of their life decide."""

    queue: JobQueue
    outputs: Outputs
    service: ServiceParams
    tell: Callable[[Event], None]
    life: Lifecycle

    def conclude(
        self, job: Job, result: Mapping[str, Any], settings: Mapping[str, Any], *, is_fresh: bool = False
    ) -> None:
        """An attempt is over: put its results in their place and say so, or put it back for later.

        is_fresh : a worker of ours has just said so, so that its folder must be there
        """
        if not self.queue.heartbeat(job, self.service.lease):
            self.outputs.clean(job.name, job.run)
            return
        if step := self.life.has_outcome(job, result):
            self._carry_out(job, step)
            return
        try:
            if is_fresh:
                self.outputs.require_folder(job.name, job.run, JobState(result["status"]) is JobState.processed)
            self.outputs.put_in_place(job.name, job.run)
        except OSError as error:
            self.refuse(job, error)
            return
        self._finish(job, result, settings)

    def _finish(self, job: Job, result: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        state = JobState(result["status"])
        with self.queue.together():
            self.queue.finish(job, state, result, settings)
            told = tell_sweeps(self.queue, job, dict(result))
        done = self.queue.job(job.id)
        note_in_results(self.outputs, told)
        with suppress(OSError):  # a full disk: the queue has it
            then = replace(job, finished_at=done.finished_at)  # of these results, though more images came since
            note_latency(self.outputs.results(job.name), job.run, then.latency, then.no_latency)
        self.outputs.clean(job.name, job.run)
        facts = dict(result) | done.times | {"path": job.path, "attempt": job.attempts}
        self.tell(Event(ENDS[state], job.name, facts))

    def bury(self, job: Job, ended: Standing) -> None:
        """The attempt has ended without an outcome."""
        self._carry_out(job, self.life.has_none(job, ended))

    def refuse(self, job: Job, error: OSError) -> None:
        """The system refuses to write what belongs to the attempt."""
        where = error.filename or str(self.outputs.output)
        named = OSError(error.errno, error.strerror or str(error), where)
        self._carry_out(job, self.life.is_refused(job, named))

    def _carry_out(self, job: Job, step: NextStep) -> None:
        match step.kind:
            case "again":
                self.queue.release(job, step.because, step.delay)
                facts = {"error": step.because, "delay": step.delay, "attempt": job.attempts}
                event = Event("put back", job.name, facts)
            case "crashed":
                state = self.queue.crashed(job, step.because, step.hint, self.service.max_crashes)
                kind: Kind = "set aside" if state is JobState.set_aside else "crashed"
                event = Event(kind, job.name, {"error": step.because, "hint": step.hint, "words": step.words})
            case "failed":
                result = failed(step.because, step.hint, "output")
                self.queue.finish(job, JobState.failed, result, {})
                event = Event("failed", job.name, result | {"path": job.path})
        self.outputs.clean(job.name, job.run)
        self.tell(event)


def failed(message: str, hint: str, stage: str) -> dict[str, Any]:
    """The result of a sweep that no worker could be given."""
    return {"status": "failed", "error": message, "hint": hint, "error_stage": stage, "retryable": False}
