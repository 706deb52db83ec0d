"""Workers that come to a shared folder: here programs of this machine, which know of each other by files alone."""

from __future__ import annotations

import json
import time

import pytest
from trial_launch import launch_trial

from autoproc.service.executing import folder_worker
from autoproc.service.executing.conformance import ExecutorConformance, Trial
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.folder_worker import FolderWorker
from autoproc.service.executing.local import LocalExecutor
from autoproc.service.executing.shared_folder import LISTENING, NOBODY, SharedFolderExecutor, hosts_folder
from autoproc.service.executing.trial import COMMAND
from autoproc.service.params import ServiceParams
from autoproc.service.processes.cores_and_memory import GIGABYTE, Shares
from autoproc.service.results.outputs import Outputs


class Turned(SharedFolderExecutor):
    """The executor, and programs at work on its folder that are turned whenever it is asked."""

    def __init__(self, site, workers=(), clock=time.monotonic):
        super().__init__(site, clock)
        self.workers = list(workers)

    def poll(self, tasks):
        for worker in self.workers:
            worker.turn()
        return super().poll(tasks)


def worker_on(outputs, n_workers=2):
    """A program at work on a folder."""
    shares = Shares(n_workers, 1, 4 * GIGABYTE, 60)
    return FolderWorker(outputs, LocalExecutor(shares, ServiceParams(), launch_trial), look=0.05)


@pytest.fixture
def outputs(tmp_path):
    outputs = Outputs(tmp_path / "results")
    outputs.make_folders()
    return outputs


@pytest.fixture
def clock():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def executor(outputs, clock):
    return Turned(Site(outputs, ServiceParams(lease=60), worker=COMMAND, look=0.0), clock=clock)


def beat(outputs, token, n, n_workers=3):
    hosts_folder(outputs).mkdir(exist_ok=True)
    told = {"machine": "far", "n_workers": n_workers, "n": n}
    (hosts_folder(outputs) / f"{token}.json").write_text(json.dumps(told))


class TestSharedFolder(ExecutorConformance):
    @pytest.fixture(autouse=True)
    def workers(self, site, monkeypatch):
        monkeypatch.setattr(folder_worker, "BEAT", 0.2)
        self.at_work = [worker_on(site.outputs), worker_on(site.outputs, 1)]
        yield
        for worker in self.at_work:
            worker.close()

    def make(self, site):
        return Turned(site, self.at_work)


def test_who_is_there_is_believed_when_his_file_changes(executor, outputs, clock):
    beat(outputs, "far.1", 7)  # by somebody who may be long dead
    assert (executor.trouble, executor.n_free) == ("", 0)
    beat(outputs, "far.1", 8)
    assert (executor.trouble, executor.n_free) == ("", 3)
    clock.now += 61
    assert (executor.trouble, executor.n_free) == (NOBODY, 0)
    beat(outputs, "far.1", 9)
    assert (executor.trouble, executor.n_free) == ("", 3)


def test_that_nobody_is_there_is_said_after_having_listened(executor, clock):
    assert executor.trouble == ""
    clock.now += LISTENING + 1
    assert executor.trouble == NOBODY


def test_no_more_is_offered_than_is_taken(executor, outputs):
    for n in (1, 2):
        beat(outputs, "far.1", n)
        assert executor.n_free == (0, 3)[n - 1]
    Trial(outputs, executor).given("x")
    assert executor.n_free == 2


def test_an_order_is_had_by_one(executor, outputs):
    Trial(outputs, executor).given("x", "long")
    away = outputs.away("x", 1)
    both = [worker_on(outputs), worker_on(outputs)]
    for worker in both:
        worker.turn()
    assert [len(worker._taken) for worker in both] == [1, 0]
    assert len(list(away.glob("taken.*"))) == 1
    assert not (away / "offered").exists()
    for worker in both:
        worker.close()


def test_a_worker_that_is_stopped_offers_what_it_had_to_others(executor, outputs):
    trial = Trial(outputs, executor)
    tasks = trial.given("x", "slow")
    executor.workers = [worker_on(outputs)]
    trial.until(tasks, lambda standing: "Working" in standing.words)
    executor.workers.pop().close()
    assert (outputs.away("x", 1) / "offered").exists()
    assert list(hosts_folder(outputs).iterdir()) == []
    executor.workers = [worker_on(outputs)]
    (ended,) = trial.ended(tasks)
    assert trial.status_of("x", ended) == "processed"
    executor.workers.pop().close()


def test_a_worker_that_falls_silent_is_given_up(executor, outputs, clock):
    """By the time that passes here: whatever its clock says."""
    trial = Trial(outputs, executor)
    (task,) = trial.given("x")
    away = outputs.away("x", 1)
    (away / "offered").rename(away / "taken.far.7.ab")
    assert executor.poll([task])[task.handle].words == "Starting (worker on far)"
    clock.now += 50
    (away / "far.7.cd.json").write_text(json.dumps({"host": "far", "doing": "Indexing", "said": [], "n": 1}))
    assert executor.poll([task])[task.handle].words == "Indexing (worker on far)"
    clock.now += 50
    assert executor.poll([task])[task.handle].phase == "running"
    clock.now += 20
    given_up = executor.poll([task])[task.handle]
    assert (given_up.phase, given_up.is_its_doing) == ("ended", False)
    assert given_up.because == "nothing was heard of its worker on far for 60 s"
