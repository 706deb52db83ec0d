"""Attempts that end without an outcome: the sweep's doing, or that of the machine that had it."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.service.executing.executor import Standing
from autoproc.service.executing.worker_process import gist
from autoproc.service.job_queue.job import Job
from autoproc.service.lifecycle.observer import LifecycleObserver, NextStep
from autoproc.service.lifecycle.retries import delay_after
from autoproc.service.params import ServiceParams


class Crashes(LifecycleObserver):
    """A sweep that crashes its worker, or goes over its limits, is tried again, and set aside after some of these."""

    def has_none(self, job: Job, ended: Standing) -> NextStep | None:
        """With the last words of its worker."""
        if not ended.is_its_doing:
            return None
        hint = "`autoproc status --json` has its story; `autoproc retry` tries it again"
        if ended.last_words:
            hint = f"{hint}; its last words: {gist(ended.last_words)}"
        return NextStep("crashed", ended.because, hint, words=ended.last_words)


@dataclass(frozen=True, slots=True)
class FailedMachines(LifecycleObserver):
    """A node that fails, or a job that is preempted, is no fault of the sweep; but it does not go on for ever."""

    service: ServiceParams

    def has_none(self, job: Job, ended: Standing) -> NextStep | None:
        """Again, also where nobody waits for disks: the next machine may be sound."""
        if ended.is_its_doing:
            return None
        if job.attempts < self.service.max_attempts:
            return NextStep("again", ended.because, delay=delay_after(job, self.service))
        return NextStep(
            "failed", ended.because, "look after the machines that process, then `autoproc retry` tries again"
        )
