"""The observers of `autoproc run`."""

from __future__ import annotations

from autoproc.service.lifecycle.crashes import Crashes, FailedMachines
from autoproc.service.lifecycle.longest_wait import LongestWait
from autoproc.service.lifecycle.observer import Lifecycle
from autoproc.service.lifecycle.retries import Retries
from autoproc.service.params import ServiceParams


def usual(service: ServiceParams, is_patient: bool = True) -> Lifecycle:
    """All concerns; is_patient : what fails for a passing reason is waited for."""
    return Lifecycle((Retries(service, is_patient), FailedMachines(service), Crashes(), LongestWait(service)))
