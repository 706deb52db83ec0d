"""This machine's workers pass what every executor has to."""

from __future__ import annotations

from autoproc.service.begin_process import paths, start_process
from autoproc.service.executing.conformance import ExecutorConformance
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.trial import COMMAND
from autoproc.service.limits import GIGABYTE, Shares


def launch_trial(reports, errors, has_terminal):
    return start_process([*COMMAND, "--reports"], paths(), reports, errors, has_terminal)


class TestLocal(ExecutorConformance):
    def make(self, site):
        return LocalExecutor(Shares(8, 1, 4 * GIGABYTE, 60), site.service, launch_trial)
