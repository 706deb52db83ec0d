"""What fails for a passing reason is tried again, later and later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoproc.passing import remedy
from autoproc.service.job_queue.job import Job
from autoproc.service.lifecycle.observer import LifecycleObserver, NextStep
from autoproc.service.params import ServiceParams

LONGEST_DELAY = 3600.0


def delay_after(job: Job, service: ServiceParams) -> float:
    """Seconds to the next attempt: doubled with each."""
    return min(service.retry_delay * 2 ** (job.attempts - 1), LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class Retries(LifecycleObserver):
    """Full disks, permissions, images that are away. is_patient : somebody waits for them to pass."""

    service: ServiceParams
    is_patient: bool = True

    def has_outcome(self, job: Job, result: Mapping[str, Any]) -> NextStep | None:
        """Again, where its failure may pass; what there is, is taken once that has been waited for long enough."""
        if not (result["retryable"] and self._may_retry(job)):
            return None
        return NextStep("again", result["error"] or result.get("lost") or "", delay=delay_after(job, self.service))

    def is_refused(self, job: Job, error: OSError) -> NextStep | None:
        """Again, or what to do about it."""
        message = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
        if self._may_retry(job):
            return NextStep("again", message, delay=delay_after(job, self.service))
        return NextStep("failed", message, remedy(error))

    def _may_retry(self, job: Job) -> bool:
        return self.is_patient and job.attempts < self.service.max_attempts
