"""Sweeps that are processed elsewhere: programs come and go, schedulers are down, and each sweep has one result."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from elsewhere import Cluster, program
from queue_for_tests import found, result_of

from autoproc.service.events import event_lines
from autoproc.service.executing import trial
from autoproc.service.executing.executor import Standing
from autoproc.service.job_queue.job import JobState
from autoproc.service.params import ServiceParams
from autoproc.service.results.outputs import ORDER


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def begun(tmp_path, cluster):
    """A program with a sweep; those that are begun later work on the same queue. All are gone in the end."""
    programs = []

    def begin(*names, **changes):
        service = program(tmp_path / "out", cluster, **changes)
        programs.append(service)
        for name in names:
            (tmp_path / f"{name}.img").write_text(f"the images of {name}")
            service.queue.add(found(tmp_path / f"{name}.img"))
        return service

    yield begin
    for service in programs:
        service.supervisor.plan = replace(service.supervisor.plan, is_patient=False)
        service.close()


def killed(service):
    """The program is gone, without a word: another process would find it dead."""
    service.queue._db.execute("UPDATE jobs SET worker = replace(worker, ':', ':9') WHERE worker IS NOT NULL")
    service.supervisor._attempts.clear()


def merged_by(service, name, tmp_path):
    return (service.outputs.results(name) / "merged.mtz").read_bytes(), trial.result_of(str(tmp_path / f"{name}.img"))


def test_a_sweep_waits_is_processed_and_has_its_result(begun, cluster, tmp_path):
    service = begun("x")
    service.until(lambda: service.queue.named("x").progress == "waits at Distant, job d0")
    job = service.queue.named("x")
    assert (job.state, job.executor, job.handle) == (JobState.running, "distant", "d0")
    cluster.run("d0")
    service.work()
    made, expected = merged_by(service, "x", tmp_path)
    assert made == expected
    assert list(service.outputs.work.iterdir()) == []
    assert not (service.outputs.results("x") / ".outcome.json").exists()


def test_several_are_given_together_and_no_more_than_it_takes(begun, cluster):
    service = begun("a", "b", "c", "d", "e")
    service.supervisor.step()
    assert sorted(cluster.jobs) == ["d0", "d1", "d2"]
    assert service.queue.n_in(JobState.queued) == 2


def test_its_processing_begins_when_it_no_longer_waits(begun, cluster):
    service = begun("x")
    service.supervisor.step()
    service.queue._db.execute("UPDATE jobs SET started_at = started_at - 1000")
    cluster.run("d0")
    service.work()
    assert service.queue.named("x").processing_time < 500


@pytest.mark.parametrize("is_done_meanwhile", [False, True])
def test_a_killed_program_leaves_it_and_the_next_takes_its_result(begun, cluster, tmp_path, is_done_meanwhile):
    first = begun("x")
    first.supervisor.step()
    killed(first)
    assert first.queue.interrupted() == frozenset()
    if is_done_meanwhile:
        cluster.run("d0")
    second = begun()
    second.supervisor.step()
    assert second.told("taken up") == ["x"]
    if not is_done_meanwhile:
        cluster.run("d0")
    second.work()
    assert second.queue.named("x").run == 1
    assert len(cluster.jobs) == 1
    made, expected = merged_by(second, "x", tmp_path)
    assert made == expected


def test_what_a_program_leaves_that_is_told_to_stop_goes_on(begun, cluster):
    first = begun("x")
    first.supervisor.step()
    first.supervisor.hand_back()
    assert first.supervisor.n_to_finish == 0
    assert first.told("left") == ["x"]
    assert "the next autoproc run takes its result" in event_lines(first.events[-1])[0]
    killed(first)
    second = begun()
    cluster.run("d0")
    second.work()
    assert second.queue.named("x").state is JobState.processed
    assert cluster.stopped == []


def test_a_program_that_is_not_to_stay_takes_its_jobs_with_it(begun, cluster):
    service = begun("x", is_patient=False)
    service.supervisor.step()
    service.supervisor.hand_back()
    assert cluster.stopped == ["d0"]
    assert service.queue.named("x").state is JobState.queued


def test_a_program_that_dies_while_it_gives_a_sweep_away_has_it_begun_once_more(begun, cluster, tmp_path):
    """Nobody knows whether the scheduler has it: its order is withdrawn, so that the job finds nothing to do."""
    first = begun("x")
    first.supervisor.step()
    first.queue._db.execute("UPDATE jobs SET handle = NULL")
    killed(first)
    second = begun()
    second.supervisor.step()
    assert second.told("interrupted") == ["x"]
    second.until(lambda: len(cluster.jobs) == 2)
    assert not cluster.jobs["d0"].parent.exists()
    cluster.run("d1")
    second.work()
    assert second.queue.named("x").run == 2


def test_a_sweep_that_is_cancelled_is_stopped_there(begun, cluster):
    service = begun("x")
    service.supervisor.step()
    service.queue.cancel("x")
    service.until(lambda: not service.supervisor.n_running)
    assert cluster.stopped == ["d0"]
    assert list(service.outputs.work.iterdir()) == []


def test_a_sweep_that_is_cancelled_while_no_program_is_there_is_stopped_by_the_next(begun, cluster):
    first = begun("x")
    first.supervisor.step()
    killed(first)
    first.queue.cancel("x")
    second = begun()
    second.supervisor.step()
    assert cluster.stopped == ["d0"]
    assert list(second.outputs.work.iterdir()) == []


def test_a_zombie_that_comes_back_changes_nothing(begun, cluster, tmp_path):
    """A node that was out of reach finishes its attempt after another was made."""
    service = begun("x")
    service.supervisor.step()
    script = cluster.jobs["d0"].read_text()
    order = (cluster.jobs["d0"].parent / ORDER).read_text()
    cluster.said["d0"] = Standing("ended", because="its node failed", is_its_doing=False)
    service.until(lambda: len(cluster.jobs) == 2)
    cluster.run("d1")
    service.work()
    before = (service.outputs.results("x") / "summary.json").stat().st_ino
    away = cluster.jobs["d0"].parent
    away.mkdir()
    (away / ORDER).write_text(order)
    (away / "run.sh").write_text(script)
    cluster.run("d0")
    assert service.outputs.folder("x", 1).is_dir()
    service.supervisor.recover()
    assert (service.outputs.results("x") / "summary.json").stat().st_ino == before
    assert list(service.outputs.work.iterdir()) == []


def test_a_node_that_fails_is_not_the_sweeps_fault_but_not_for_ever(begun, cluster):
    service = begun("x", params=ServiceParams(retry_delay=0.0, max_attempts=3, max_crashes=1))
    for n in range(3):
        service.until(lambda n=n: len(cluster.jobs) == n + 1)
        cluster.said[f"d{n}"] = Standing("ended", because="its node failed", is_its_doing=False)
    service.work()
    job = service.queue.named("x")
    assert (job.state, job.crashes, job.error) == (JobState.failed, 0, "its node failed")
    assert service.told("put back") == ["x", "x"]


def test_a_worker_that_dies_there_is_a_crash(begun, cluster):
    service = begun("x", params=ServiceParams(max_crashes=1))
    service.supervisor.step()
    (cluster.jobs["d0"].parent / "worker.log").write_text("Fatal Python error: Segmentation fault\n")
    cluster.said["d0"] = Standing("ended", because="it ended by signal 11")
    service.work()
    job = service.queue.named("x")
    assert (job.state, job.error) == (JobState.set_aside, "it ended by signal 11")
    assert "Segmentation fault" in job.hint


def test_while_it_takes_nothing_this_machine_does(begun, cluster):
    cluster.reason = "Connection refused"
    service = begun("x", "y")
    service.work()
    assert cluster.jobs == {}
    assert (service.outputs.results("x") / "merged.mtz").read_bytes() == result_of(b"the images of x")
    trouble = [event.facts["text"] for event in service.events if event.kind == "trouble"]
    assert trouble == ["Distant takes no sweeps: Connection refused"]


def test_why_this_machine_has_it_is_told(begun, cluster):
    cluster.reason = "Connection refused"
    service = begun("hang_x")
    expected = "on this machine, as Distant takes no sweeps: Connection refused"
    service.until(lambda: expected in service.queue.named("hang_x").progress)


def test_where_this_machine_is_not_to_it_waits_and_is_tried_again(begun, cluster):
    cluster.reason = "Connection refused"
    service = begun("x", takes_over=False)
    service.until(lambda: service.told("trouble"))
    service.supervisor.step()
    assert service.queue.named("x").state is JobState.queued
    cluster.reason = ""
    service.executors.chosen._until = 0.0  # as if the pause were over
    service.until(lambda: cluster.jobs)
    cluster.run("d0")
    service.work()
    assert service.queue.named("x").state is JobState.processed


def test_what_waits_for_too_long_is_taken_over(begun, cluster):
    service = begun("x", params=ServiceParams(longest_wait=0.001))
    service.supervisor.step()
    time.sleep(0.1)
    service.work()
    assert cluster.stopped == ["d0"]
    assert service.told("taken over") == ["x"]
    job = service.queue.named("x")
    assert (job.state, job.attempts, job.run) == (JobState.processed, 1, 2)
    assert job.story[0]["because"] == "on this machine: after 0 min, waits at Distant, job d0"


def test_what_runs_there_is_not_taken_over(begun, cluster):
    service = begun("x", params=ServiceParams(longest_wait=0.001))
    service.supervisor.step()
    cluster.said["d0"] = Standing("running", "Distant, job d0")
    service.supervisor.step()
    time.sleep(0.1)
    for _ in range(5):
        service.supervisor.step()
    assert service.told("taken over") == []
