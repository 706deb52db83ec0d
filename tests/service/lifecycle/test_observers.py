"""What each observer decides, from a few numbers; and that the first that speaks counts."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from queue_for_tests import found

from autoproc.service.executing.executor import Standing, Task
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.lifecycle.attempt import Attempt
from autoproc.service.lifecycle.crashes import Crashes, FailedMachines
from autoproc.service.lifecycle.longest_wait import LongestWait
from autoproc.service.lifecycle.observer import Lifecycle, LifecycleObserver, NextStep
from autoproc.service.lifecycle.retries import Retries
from autoproc.service.lifecycle.usual import usual
from autoproc.service.params import ServiceParams

SERVICE = ServiceParams(retry_delay=10.0, max_attempts=4, longest_wait=30.0)
LOST = Standing("ended", because="its node failed", is_its_doing=False)
CRASHED = Standing("ended", because="ended by SIGSEGV", last_words="x\nFatal error: y\nz")


@pytest.fixture
def job(tmp_path):
    queue = JobQueue(tmp_path / "queue.sqlite")
    queue.add(found(tmp_path / "x.img"))
    yield queue.claim("somebody", 60.0)
    queue.close()


def result(**facts):
    return {"status": "failed", "error": "disk full", "retryable": True} | facts


@pytest.mark.parametrize(("attempts", "delay"), [(1, 10.0), (2, 20.0), (3, 40.0)])
def test_what_may_pass_is_tried_again_later_and_later(job, attempts, delay):
    step = Retries(SERVICE).has_outcome(replace(job, attempts=attempts), result())
    assert step == NextStep("again", "disk full", delay=delay)


def test_delays_have_an_end(job):
    patient = ServiceParams(retry_delay=30.0, max_attempts=99)
    assert Retries(patient).has_outcome(replace(job, attempts=60), result()).delay == 3600.0


@pytest.mark.parametrize(
    ("attempts", "is_patient", "facts"), [(4, True, {}), (1, False, {}), (1, True, {"retryable": False})]
)
def test_what_is_taken_as_it_is(job, attempts, is_patient, facts):
    assert Retries(SERVICE, is_patient).has_outcome(replace(job, attempts=attempts), result(**facts)) is None


def test_a_disk_that_stays_full_is_a_failure_with_what_to_do(job):
    error = OSError(errno.ENOSPC, "No space left on device", "/out/x")
    assert Retries(SERVICE).is_refused(job, error) == NextStep("again", "No space left on device (/out/x)", delay=10.0)
    step = Retries(SERVICE).is_refused(replace(job, attempts=4), error)
    assert (step.kind, step.because) == ("failed", "No space left on device (/out/x)")
    assert "make room" in step.hint


def test_a_crash_is_told_with_its_last_words(job):
    step = Crashes().has_none(job, CRASHED)
    assert (step.kind, step.because, step.words) == ("crashed", "ended by SIGSEGV", CRASHED.last_words)
    assert step.hint.endswith("its last words: Fatal error: y")
    assert Crashes().has_none(job, LOST) is None


def test_a_machine_that_fails_costs_another_attempt_while_there_are_some(job):
    assert FailedMachines(SERVICE).has_none(job, LOST) == NextStep("again", "its node failed", delay=10.0)
    assert FailedMachines(SERVICE).has_none(replace(job, attempts=4), LOST).kind == "failed"
    assert FailedMachines(SERVICE).has_none(job, CRASHED) is None


@pytest.mark.parametrize(("minutes", "limit", "is_late"), [(29, 30.0, False), (31, 30.0, True), (31, 0.0, False)])
def test_what_waits_for_too_long(job, monkeypatch, minutes, limit, is_late):
    attempt = Attempt(job, None, Task("7", "x", 1), Standing("waiting", "waits at Slurm, job 7"))
    attempt.since -= 60 * minutes
    said = LongestWait(ServiceParams(longest_wait=limit)).waits(attempt)
    assert said == ("on this machine: after 31 min, waits at Slurm, job 7" if is_late else "")


def test_the_first_that_speaks_counts(job):
    class Stubborn(LifecycleObserver):
        def has_none(self, job, ended):
            return NextStep("failed", "enough")

    assert Lifecycle((LifecycleObserver(), Stubborn(), Crashes())).has_none(job, CRASHED).because == "enough"
    assert usual(SERVICE).has_none(job, LOST).kind == "again"
    assert usual(SERVICE).has_none(job, CRASHED).kind == "crashed"
