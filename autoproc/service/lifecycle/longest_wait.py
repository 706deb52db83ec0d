"""Sweeps that wait elsewhere for too long."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.service.lifecycle.attempt import Attempt
from autoproc.service.lifecycle.observer import LifecycleObserver
from autoproc.service.params import ServiceParams


@dataclass(frozen=True, slots=True)
class LongestWait(LifecycleObserver):
    """What others have not begun in time is taken over."""

    service: ServiceParams

    def waits(self, attempt: Attempt) -> str:
        """How long it has waited, and where."""
        limit = 60 * self.service.longest_wait
        if not limit or attempt.seconds <= limit:
            return ""
        return f"on this machine: after {attempt.seconds / 60:.0f} min, {attempt.standing.words}"
