"""The tests that every executor has to pass, ours and those of other packages: an executor's own test is a few lines.

    from autoproc.service.executing.conformance import ExecutorConformance

    class TestMine(ExecutorConformance):
        def make(self, site):
            return MyExecutor(site)

The scheduler must be there, and see `tmp_path`; work takes milliseconds, as `trial.py` does it. pytest runs them.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from autoproc.config import Config
from autoproc.service.executing.executor import Executor, Standing, Task
from autoproc.service.executing.executor_site import SCRIPT, Site
from autoproc.service.executing.trial import COMMAND, result_of
from autoproc.service.params import ServiceParams
from autoproc.service.processing.order import Order
from autoproc.service.results.outputs import ORDER, Outputs

PATIENCE = 90.0
"""Seconds in which work of milliseconds has to be done: schedulers look at their queues once in a while."""
STRANGE = 'a sweep\'s name: é "$(x)" `y` ; #2'
"""What people call things, and shells must not see."""


class ExecutorConformance:
    """Tests of an executor; `make` makes one."""

    def make(self, site: Site) -> Executor:
        """The executor, as a program begins it; a second one is another program's."""
        raise NotImplementedError

    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        """Where it works: the folder of results of the test."""
        outputs = Outputs(tmp_path / "results")
        outputs.make_folders()
        return Site(outputs, ServiceParams(), worker=COMMAND, look=0.05)

    @pytest.fixture
    def executor(self, site: Site) -> Iterator[Executor]:
        """The executor."""
        made = self.make(site)
        yield made
        made.close()

    @pytest.fixture
    def trial(self, site: Site, executor: Executor) -> Iterator[Trial]:
        """Sweeps for it; what is left of them is cancelled."""
        trial = Trial(site.outputs, executor)
        yield trial
        executor.cancel(trial.tasks, "the test is over")

    def test_a_sweep_has_its_result(self, trial: Trial) -> None:
        """It is waiting or running until it has ended, with its outcome."""
        (ended,) = trial.ended(trial.given("x"))
        assert ended.phase == "ended"
        assert trial.status_of("x", ended) == "processed"
        assert trial.merged("x") == result_of("/images/x")

    def test_a_failure_is_an_outcome(self, trial: Trial) -> None:
        """A sweep without spots is no fault of the executor."""
        (ended,) = trial.ended(trial.given("x", "bad"))
        assert trial.status_of("x", ended) == "failed"

    def test_a_worker_that_dies_says_how(self, trial: Trial) -> None:
        """The words are for people: how it ended, and what it said last."""
        (ended,) = trial.ended(trial.given("x", "exit"))
        assert ended.outcome is None
        assert trial.outputs.outcome("x", 1) is None
        assert ended.because
        assert ended.is_its_doing
        assert "something went wrong" in ended.last_words

    def test_a_full_disk_is_an_outcome_that_can_be_tried_again(self, trial: Trial) -> None:
        """What the disk refuses is told as such."""
        (ended,) = trial.ended(trial.given("x", "full"))
        outcome = ended.outcome or trial.outputs.outcome("x", 1)
        assert outcome is not None
        assert outcome["result"]["retryable"]

    def test_several_are_told_apart(self, trial: Trial) -> None:
        """Given together as far as it takes them so, asked for together, each with its own result."""
        names = [f"x{n}" for n in range(5)]
        for name, ended in zip(names, trial.ended(trial.given_all(names)), strict=True):
            assert trial.status_of(name, ended) == "processed"
            assert trial.merged(name) == result_of(f"/images/{name}")

    def test_names_may_be_strange(self, trial: Trial) -> None:
        """No shell and no scheduler trips over a sweep's name."""
        (ended,) = trial.ended(trial.given(STRANGE))
        assert trial.status_of(STRANGE, ended) == "processed"

    def test_what_is_cancelled_ends(self, trial: Trial, executor: Executor) -> None:
        """It leaves no result; to cancel it once more is no error."""
        tasks = trial.given("x", "long")
        trial.until(tasks, lambda standing: standing.phase == "running")
        executor.cancel(tasks, "nobody wants it")
        executor.cancel(tasks, "nobody wants it")
        assert trial.outputs.outcome("x", 1) is None
        trial.outputs.clean("x", 1)
        (ended,) = trial.ended(trial.given("y"))
        assert trial.status_of("y", ended) == "processed"

    def test_another_program_takes_up_what_outlives_its_own(self, trial: Trial, site: Site, executor: Executor) -> None:
        """After a restart: by the handle alone, and nothing is begun twice."""
        tasks = trial.given("x", "slow")
        second = self.make(site)
        assert second.reconcile([Task("", "y", 1)]) == []
        kept = second.reconcile(tasks)
        assert list(kept) == (tasks if executor.outlives_program else [])
        if kept:
            (ended,) = Trial(site.outputs, second).ended(tasks)
            assert trial.status_of("x", ended) == "processed"
            assert trial.merged("x") == result_of("/images/slow")
        second.close()

    def test_a_job_that_runs_again_gives_one_result(self, trial: Trial, site: Site, executor: Executor) -> None:
        """A scheduler may put a job back that has run, or run it twice at a time."""
        if not executor.outlives_program:
            pytest.skip("its workers end with their program, and are begun once")
        tasks = trial.given("x", "slow")
        script = site.outputs.away("x", 1) / SCRIPT
        others = [subprocess.Popen(["sh", str(script)]) for _ in range(2)]
        (ended,) = trial.ended(tasks)
        assert [other.wait(PATIENCE) for other in others] == [0, 0]
        assert trial.status_of("x", ended) == "processed"
        assert trial.merged("x") == result_of("/images/slow")
        assert {path.name for path in site.outputs.work.iterdir()} == {"x.1", "x.1.json", "x.1.away"}
        assert [path for path in site.outputs.away("x", 1).iterdir() if path.is_dir()] == []

    def test_an_order_that_is_withdrawn_is_carried_out_by_nobody(
        self, trial: Trial, site: Site, executor: Executor
    ) -> None:
        """A job that its scheduler begins late finds nothing to do."""
        if not executor.outlives_program:
            pytest.skip("its workers end with their program")
        tasks = trial.given("x", "long")
        executor.cancel(tasks, "nobody wants it")
        away = site.outputs.away("x", 1)
        assert not (away / ORDER).exists()
        assert subprocess.run(["sh", str(away / SCRIPT)], timeout=PATIENCE, check=False).returncode == 0
        assert site.outputs.outcome("x", 1) is None


class Trial:
    """Sweeps that an executor is given, and how they end."""

    def __init__(self, outputs: Outputs, executor: Executor) -> None:
        self.outputs, self._executor = outputs, executor
        self.tasks: list[Task] = []

    def given(self, name: str, what: str = "") -> list[Task]:
        """Give one sweep; what : how its work goes (trial.py)."""
        return self._give([self._order(name, what or name)])

    def given_all(self, names: Sequence[str]) -> list[Task]:
        """Give several, as many in one call as it takes."""
        most = self._executor.most_at_once
        orders = [self._order(name, name) for name in names]
        return [task for n in range(0, len(orders), most) for task in self._give(orders[n : n + most])]

    def _order(self, name: str, what: str) -> Order:
        folder, away = self.outputs.folder(name, 1), self.outputs.away(name, 1)
        (away if self._executor.outlives_program else folder).mkdir()
        number = len(list(self.outputs.work.iterdir()))
        outcome = self.outputs.outcome_path(name, 1)
        return Order(number, 1, name, f"/images/{what}", None, "", folder, outcome, Config())

    def _give(self, orders: Sequence[Order]) -> list[Task]:
        handles = self._executor.submit(orders)
        assert len(set(handles)) == len(orders)
        given = [Task(handle, order.name, order.run) for handle, order in zip(handles, orders, strict=True)]
        self.tasks += given
        return given

    def until(self, tasks: Sequence[Task], is_so: Any) -> Mapping[str, Standing]:
        """Ask until this is so of all of them."""
        deadline = time.monotonic() + PATIENCE
        standings: dict[str, Standing] = {}
        while len(standings) < len(tasks) or not all(map(is_so, standings.values())):
            assert time.monotonic() < deadline, standings
            asked = [task for task in tasks if task.handle not in standings or not is_so(standings[task.handle])]
            standings |= self._executor.poll(asked)
            time.sleep(0.02)
        return standings

    def ended(self, tasks: Sequence[Task]) -> list[Standing]:
        """How they have ended, in their order."""
        standings = self.until(tasks, lambda standing: standing.phase == "ended")
        over = {task.handle for task in tasks}
        self.tasks = [task for task in self.tasks if task.handle not in over]
        return [standings[task.handle] for task in tasks]

    def status_of(self, name: str, ended: Standing) -> str:
        """What the outcome says."""
        outcome = ended.outcome or self.outputs.outcome(name, 1)
        assert outcome is not None, ended
        return str(outcome["result"]["status"])

    def merged(self, name: str) -> bytes:
        """What it has made."""
        return (self.outputs.folder(name, 1) / "merged.mtz").read_bytes()
