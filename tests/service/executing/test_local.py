"""This machine's workers pass what every executor has to."""

from __future__ import annotations

from trial_launch import launch_trial

from autoproc.service.executing.conformance import ExecutorConformance
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.processes.cores_and_memory import GIGABYTE, Shares


class TestLocal(ExecutorConformance):
    def make(self, site):
        return LocalExecutor(Shares(8, 1, 4 * GIGABYTE, 60), site.service, launch_trial)
