"""Slurm itself, of one machine: what every executor has to pass, and what it alone does."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace

import pytest
from queue_for_tests import Service, found
from slurm_for_tests import slurm_in, start, stop

from autoproc.service.executing import slurm as slurm_module
from autoproc.service.executing.conformance import ExecutorConformance, Trial
from autoproc.service.executing.executor import ExecutorDown
from autoproc.service.executing.executor_site import Site
from autoproc.service.executing.executors import Executors
from autoproc.service.executing.slurm import SlurmExecutor, script_of, squeue_standing
from autoproc.service.executing.trial import COMMAND
from autoproc.service.job_queue.job import JobState
from autoproc.service.params import ServiceParams
from autoproc.service.results.outputs import Outputs


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm_in(tmp_path_factory.mktemp("slurm")) as folder:
        yield folder


def executor_of(site, **changes):
    params = {"n_cores": 1, "poll_interval": 0.2, "time_limit": 5} | changes
    return SlurmExecutor(replace(site, service=ServiceParams(slurm=params)))


class TestSlurm(ExecutorConformance):
    @pytest.fixture(autouse=True)
    def slurm(self, cluster):
        return cluster

    def make(self, site):
        return executor_of(site)

    def test_several_at_once_are_one_array(self, trial):
        tasks = trial.given_all(["a", "b", "c"])
        job = tasks[0].handle.partition("_")[0]
        assert [task.handle for task in tasks] == [f"{job}_{n}" for n in range(3)]
        trial.ended(tasks)

    def test_what_slurm_cancels_is_not_the_sweeps_doing(self, trial):
        tasks = trial.given("x", "long")
        trial.until(tasks, lambda standing: standing.phase == "running")
        subprocess.run(["scancel", tasks[0].handle], check=True)
        (ended,) = trial.ended(tasks)
        assert not ended.is_its_doing
        assert ended.because == f"somebody cancelled its job (Slurm, job {tasks[0].handle}, partition trial)"

    def test_what_is_cancelled_is_gone_from_slurm(self, trial, executor):
        tasks = trial.given("x", "long")
        executor.cancel(tasks, "nobody wants it")
        told = subprocess.run(["squeue", "--noheader", "-o%i"], capture_output=True, text=True, check=True).stdout
        deadline = time.monotonic() + 20
        while tasks[0].handle in told.split():
            assert time.monotonic() < deadline
            told = subprocess.run(["squeue", "--noheader", "-o%i"], capture_output=True, text=True, check=True).stdout

    def test_a_job_that_is_put_back_by_slurm_gives_one_result(self, trial, site):
        tasks = trial.given("x", "slow")
        trial.until(tasks, lambda standing: standing.phase == "running" and "Working" in standing.words)
        subprocess.run(["scontrol", "requeue", tasks[0].handle], check=True)
        trial.until(tasks, lambda standing: "BeginTime" in standing.words)  # in two minutes
        soon = "StartTime=now+2"  # a node takes nothing of a job within the second in which it was taken from it
        subprocess.run(["scontrol", "update", f"JobId={tasks[0].handle}", soon], check=True)
        (ended,) = trial.ended(tasks)
        assert trial.status_of("x", ended) == "processed"
        assert len(list(site.outputs.away("x", 1).glob("*.json"))) == 3  # the order, and two executions

    def test_where_a_job_waits_is_told(self, site):
        executor = executor_of(site, partition="closed")
        trial = Trial(site.outputs, executor)
        tasks = trial.given("x")
        standings = trial.until(tasks, lambda standing: standing.phase == "waiting" and "job" in standing.words)
        expected = f"waits at Slurm, job {tasks[0].handle}, partition closed (PartitionDown)"
        assert standings[tasks[0].handle].words == expected
        executor.cancel(tasks, "the test is over")
        executor.close()

    def test_a_partition_that_is_not_there_is_said(self, site):
        executor = executor_of(site, partition="mx")
        with pytest.raises(ExecutorDown, match="Slurm takes no sweeps: sbatch: error: .*partition"):
            Trial(site.outputs, executor).given("x")
        assert "Invalid partition" in executor.trouble
        executor.close()


def test_slurm_that_is_away_for_a_while_loses_nothing(cluster, tmp_path):
    """Jobs go on, and their results are believed without it; nothing new is given to it meanwhile."""
    outputs = Outputs(tmp_path)
    outputs.make_folders()
    site = Site(outputs, ServiceParams(), worker=COMMAND, look=0.05)
    executor = executor_of(site)
    trial = Trial(outputs, executor)
    tasks = trial.given("x", "slow")
    trial.until(tasks, lambda standing: standing.phase == "running" and "Working" in standing.words)
    waiting = trial.given_all(["y1", "y2", "y3", "y4", "y5"])[-1:]
    stop(cluster)
    (ended,) = trial.ended(tasks)
    assert trial.status_of("x", ended) == "processed"
    trial.until(waiting, lambda standing: "; Slurm takes no sweeps: squeue: " in standing.words)
    with pytest.raises(ExecutorDown):
        trial.given("z")
    assert executor.trouble
    start(cluster)
    trial.ended(trial.tasks)
    executor.close()


def test_a_program_that_is_killed_leaves_its_jobs_and_the_next_takes_their_results(cluster, tmp_path):
    """With the queue and the supervisor: nothing is given to Slurm a second time."""
    first = program_with_slurm(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        first.queue.add(found(tmp_path / name))
    first.supervisor.step()
    handles = [job.handle for job in first.queue.rows()]
    first.queue._db.execute("UPDATE jobs SET worker = replace(worker, ':', ':9')")  # as if another had been killed
    first.supervisor._attempts.clear()
    second = program_with_slurm(tmp_path)
    second.work(seconds=90)
    assert second.told("taken up") == ["a", "b"]
    assert [(job.state, job.run, job.handle) for job in second.queue.rows()] == [
        (JobState.processed, 1, handle) for handle in handles
    ]
    assert list(second.outputs.work.iterdir()) == []
    for service in (first, second):
        service.close()


def program_with_slurm(folder):
    """A program that gives its sweeps to Slurm."""
    service = Service(folder / "out")
    site = Site(service.outputs, service.params, worker=COMMAND, look=0.05)
    service.executors = service.supervisor.executors = Executors(service.local, executor_of(site), takes_over=False)
    return service


class TestAnswers:
    """What Slurm says, put into words; by its states as its manual lists them."""

    @pytest.mark.parametrize(
        ("state", "reason", "phase", "words"),
        [
            ("PENDING", "Priority", "waiting", "waits at Slurm, job 7, partition mx (Priority)"),
            ("PENDING", "None", "waiting", "waits at Slurm, job 7, partition mx"),
            ("RUNNING", "None", "running", "Slurm, job 7, partition mx"),
            ("COMPLETING", "None", "running", "Slurm, job 7, partition mx"),
        ],
    )
    def test_under_way(self, state, reason, phase, words):
        standing = squeue_standing("7", state, "mx", reason, "0")
        assert (standing.phase, standing.words) == (phase, words)

    @pytest.mark.parametrize(
        ("state", "code", "because", "is_its_doing"),
        [
            ("FAILED", 7 << 8, "its worker ended with exit status 7", True),
            ("FAILED", 11, "it ended by signal 11", True),
            ("FAILED", 74 << 8, "its results could not be written", False),
            ("OUT_OF_MEMORY", 9, "it used more memory than its job has (service.slurm.memory)", True),
            ("TIMEOUT", 0, "it took longer than its job may (service.slurm.time_limit)", True),
            ("NODE_FAIL", 0, "its node failed", False),
            ("PREEMPTED", 0, "a job that goes first took its place", False),
            ("CANCELLED", 0, "somebody cancelled its job", False),
        ],
    )
    def test_over(self, state, code, because, is_its_doing):
        standing = squeue_standing("7", state, "mx", "None", str(code))
        assert standing.phase == "ended"
        assert standing.because == f"{because} (Slurm, job 7, partition mx)"
        assert standing.is_its_doing is is_its_doing

    def test_all_are_asked_for_at_once_and_forgotten_ones_by_their_accounts(self, monkeypatch):
        asked = []

        def answer(command, executor, stdin=""):
            asked.append(command[0])
            if command[0] == "sacct":
                return "8|CANCELLED by 1000|0:0|\n8.batch|CANCELLED|0:15|\n"
            return "7_1|RUNNING|mx|None|0|\n9|PENDING|mx|Priority|0|\n"

        monkeypatch.setattr(slurm_module, "answer_of", answer)
        told = slurm_module.ask_slurm(["7_1", "8"])
        assert asked == ["squeue", "sacct"]
        assert {job: standing.phase for job, standing in told.items()} == {"7_1": "running", "8": "ended"}
        assert not told["8"].is_its_doing


def test_an_array_has_a_script_for_each():
    script = script_of(["/a b/run.sh", "/c'd/run.sh"])
    done = subprocess.run(
        ["sh", "-c", script.replace("exec sh", "echo")], env={"SLURM_ARRAY_TASK_ID": "1", "PATH": "/bin:/usr/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "/c'd/run.sh\n"
