"""What workers do wrong costs their job only; what the disk does wrong costs time only."""

from __future__ import annotations

import errno
import functools
import operator
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from queue_for_tests import GIGABYTE, SHARES, Service, found, result_of

from autoproc.service.events import event_lines
from autoproc.service.executing.executors import Executors
from autoproc.service.executing.local import LocalExecutor, NoWorkers
from autoproc.service.job_queue.job import JobState
from autoproc.service.lifecycle.usual import usual
from autoproc.service.params import ServiceParams
from autoproc.service.processes.cores_and_memory import Shares
from autoproc.service.supervisor import Supervisor


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path / "out")
    yield service
    service.close()


@pytest.fixture
def image(tmp_path):
    """Write the images of a sweep: image("name") gives what was found."""

    def written(name: str, content: str = "", **changes):
        path = tmp_path / f"{name}.img"
        path.write_text(content or f"the images of {name}")
        return found(path, **changes)

    return written


def merged(service: Service, name: str) -> bytes:
    return (service.outputs.results(name) / "merged.mtz").read_bytes()


def test_sweeps_are_processed_in_the_order_of_their_last_images(service, image):
    service.local.shares = Shares(1, 1, GIGABYTE * 4, 30)
    for name, completed_at in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        service.queue.add(image(name, completed_at=completed_at))
    service.work()
    assert service.told("processed") == ["a", "b", "c"]
    assert merged(service, "a") == result_of(b"the images of a")
    job = service.queue.named("a")
    assert job.result["space_group"] == "P 1"
    assert job.latency is not None
    assert list(service.outputs.work.iterdir()) == []


def test_two_workers_work_at_a_time(service, image):
    for name in "abcd":
        service.queue.add(image(f"hangonce_{name}"))
    service.until(lambda: service.supervisor.n_running == 2)
    assert service.queue.n_in(JobState.running) == 2


def test_a_failure_is_a_result(service, image):
    service.queue.add(image("bad"))
    service.work()
    job = service.queue.named("bad")
    assert (job.state, job.error, job.hint) == (JobState.failed, "no spots", "look at it")
    assert (service.outputs.results("bad") / "summary.json").exists()
    assert event_lines(service.events[-1]) == ["bad: FAILED at find_spots: no spots", "    look at it"]


@pytest.mark.parametrize(
    ("kind", "why"), [("crash", "ended by SIGSEGV"), ("exit", "ended without a result (exit status 7)")]
)
def test_a_worker_that_dies_twice_is_enough(service, image, kind, why):
    service.queue.add(image(f"{kind}_x"))
    service.queue.add(image("good"))
    service.work()
    job = service.queue.named(f"{kind}_x")
    assert (job.state, job.crashes) == (JobState.set_aside, 2)
    assert why in job.error
    assert [entry["event"] for entry in job.story] == ["crashed", "crashed"]
    assert why in job.story[0]["because"]
    assert service.told("crashed", "set aside") == [job.name] * 2
    assert service.queue.named("good").state is JobState.processed
    assert not service.outputs.results(job.name).exists()


def test_a_crash_shows_where_it_was(service, image):
    """The stack, from the worker's standard error, is in the log."""
    service.queue.add(image("crash_x"))
    service.work()
    words = next(event.facts["words"] for event in service.events if event.kind == "crashed")
    assert "Segmentation fault" in words
    assert "_go_wrong" in words


def test_a_worker_that_dies_once_is_forgiven(service, image):
    service.queue.add(image("crashonce_x"))
    service.work()
    assert service.queue.named("crashonce_x").state is JobState.processed


def test_what_was_set_aside_is_tried_again_when_asked_for(service, image):
    service.queue.add(image("crash_x"))
    service.work()
    (service.output.parent / "crash_x.img").rename(service.output.parent / "mended.img")
    service.queue._db.execute("UPDATE jobs SET path = replace(path, 'crash_x.img', 'mended.img')")
    assert service.queue.retry("crash_x").crashes == 0
    service.work()
    assert service.queue.named("crash_x").state is JobState.processed


def test_a_hang_costs_the_time_limit(tmp_path, image):
    service = Service(tmp_path / "out", shares=Shares(2, 1, 4 * GIGABYTE, 0.3))
    service.queue.add(image("hang_x"))
    service.queue.add(image("good"))
    service.work()
    job = service.queue.named("hang_x")
    assert job.state is JobState.set_aside
    assert "longer than" in job.error
    assert service.queue.named("good").state is JobState.processed
    service.close()


def test_a_memory_blow_up_costs_the_memory_limit(tmp_path, image, monkeypatch):
    monkeypatch.setattr("autoproc.service.executing.local.SAMPLING", 0.02)
    service = Service(tmp_path / "out", shares=Shares(1, 1, GIGABYTE, 30))
    service.queue.add(image("greedyonce_x"))
    service.work()
    job = service.queue.named("greedyonce_x")
    assert job.state is JobState.processed
    assert "more than 1.0 GB (service.memory_limit)" in job.story[0]["because"]
    service.close()


def test_a_full_disk_is_waited_for(service, image):
    service.queue.add(image("fullonce_x"))
    service.work()
    job = service.queue.named("fullonce_x")
    assert (job.state, job.attempts) == (JobState.processed, 2)
    assert "No space left" in job.story[0]["because"]
    assert service.told("put back") == ["fullonce_x"]


def test_a_disk_that_stays_full_is_a_failure(tmp_path, image):
    service = Service(tmp_path / "out", params=ServiceParams(retry_delay=0.01, max_attempts=3))
    service.queue.add(image("full_x"))
    service.work()
    job = service.queue.named("full_x")
    assert (job.state, job.attempts, job.retryable) == (JobState.failed, 3, True)
    assert "No space left on device" in job.error
    assert "make room" in job.hint
    assert not service.outputs.results("full_x").exists()  # half a result is none
    assert service.outputs.logs.of("full_x")
    service.close()


def test_images_that_were_gone_for_a_while_are_waited_for(tmp_path, image):
    """What was made without them is better than nothing, once they have been waited for long enough."""
    service = Service(tmp_path / "out", params=ServiceParams(retry_delay=0.01, max_attempts=3))
    service.queue.add(image("lost_x"))
    service.work()
    job = service.queue.named("lost_x")
    assert (job.state, job.attempts, job.error) == (JobState.processed, 3, "")
    assert service.told("put back") == ["lost_x"] * 2
    assert job.story[0]["because"] == "3 images were gone"
    assert merged(service, "lost_x") == result_of(b"the images of lost_x")
    service.close()


def test_delays_grow(tmp_path, image, monkeypatch):
    service = Service(tmp_path / "out", params=ServiceParams(retry_delay=100.0))
    service.queue.add(image("full_x"))
    service.until(lambda: service.told("put back"))
    job = service.queue.named("full_x")
    assert job.not_before - time.time() == pytest.approx(100, abs=5)
    service.queue._db.execute("UPDATE jobs SET not_before = 0, attempts = 4")
    service.until(lambda: len(service.told("put back")) == 2)
    assert service.queue.named("full_x").not_before - time.time() == pytest.approx(1600, abs=5)
    service.close()


def test_permission_denied_then_granted(service, image):
    service.queue.add(image("deniedonce_x"))
    service.work()
    assert service.queue.named("deniedonce_x").state is JobState.processed


def test_results_that_cannot_be_put_in_their_place(service, image, monkeypatch):
    """An output folder that is refused, and then granted."""
    refused = [errno.EACCES, errno.EROFS]
    rename = Path.rename

    def sometimes(path, target):
        if Path(target).parent == service.output and refused:
            raise OSError(refused.pop(), "Read-only file system", str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", sometimes)
    service.queue.add(image("x"))
    service.work()
    assert service.queue.named("x").attempts == 3
    assert merged(service, "x") == result_of(b"the images of x")


def test_nothing_of_an_earlier_result_is_lost_before_the_new_one_is_whole(service, image):
    sweep = image("x", "first")
    service.queue.add(sweep)
    service.work()
    image("x", "second")
    service.queue.reprocess("x", {})
    service.supervisor.settlement = replace(service.supervisor.settlement, life=usual(service.params, is_patient=False))
    os.rename(sweep.path, sweep.path.with_name("full_x.img"))
    service.queue._db.execute("UPDATE jobs SET path = replace(path, 'x.img', 'full_x.img')")
    service.work()
    assert service.queue.named("x").state is JobState.failed
    assert merged(service, "x") == result_of(b"first")


def test_a_sweep_that_is_cancelled_is_stopped(service, image):
    service.queue.add(image("hang_x"))
    service.until(lambda: service.supervisor.n_running)
    service.queue.cancel("hang_x")
    service.until(lambda: not service.supervisor.n_running)
    assert service.told("stopped") == ["hang_x"]
    assert service.queue.named("hang_x").state is JobState.cancelled
    assert list(service.outputs.work.iterdir()) == []


def test_a_sweep_that_is_reprocessed_while_at_work_is_begun_anew(service, image):
    service.queue.add(image("hangonce_x"))
    service.until((service.output.parent / "hangonce_x.gone-wrong").exists)
    service.queue.reprocess("hangonce_x", {"scale.d_min": "2"})
    service.work()
    job = service.queue.named("hangonce_x")
    assert job.state is JobState.processed
    assert job.settings == {"scale": {"d_min": 2.0}}


def test_parameters_of_another_version_are_a_failure_that_says_so(service, image):
    service.queue.add(image("x"))
    service.queue.reprocess("x", {"scale.gone": "2"})
    service.work()
    assert "scale.gone" in service.queue.named("x").error


def test_images_that_come_while_it_is_at_work(service, image):
    """A partial sweep grows: it is processed again, with all its images."""
    service.queue.add(image("hangonce_x", "12345678", state="partial", reason="stalled"))
    service.until((service.output.parent / "hangonce_x.gone-wrong").exists)
    assert service.queue.add(image("hangonce_x", "12345678 and more")).outcome == "extended"
    service.local.at_work[0].kill()
    service.work()
    assert merged(service, "hangonce_x") == result_of(b"12345678 and more")
    assert service.queue.named("hangonce_x").partial == ""


def test_what_is_handed_back_is_done_by_the_next(tmp_path, image):
    service = Service(tmp_path / "out")
    service.queue.add(image("hangonce_x"))
    service.until((tmp_path / "hangonce_x.gone-wrong").exists)
    service.close()
    service = Service(tmp_path / "out")
    job = service.queue.named("hangonce_x")
    assert (job.state, job.attempts) == (JobState.queued, 0)
    service.work()
    assert service.queue.named("hangonce_x").state is JobState.processed
    service.close()


def test_two_programs_share_a_queue(tmp_path, image):
    first, second = Service(tmp_path / "out"), Service(tmp_path / "out")
    for n in range(12):
        sweep = image(f"x{n}")
        assert [s.queue.add(sweep).outcome for s in (first, second)] == ["new", "known"]
    deadline = time.monotonic() + 20
    while not all(job.state.is_settled for job in first.queue.rows()):
        assert time.monotonic() < deadline
        for service in (first, second):
            service.supervisor.step()
        time.sleep(0.005)
    done = [first.told("processed"), second.told("processed")]
    assert min(map(len, done)) >= 2
    assert sorted(functools.reduce(operator.iadd, done, [])) == sorted(f"x{n}" for n in range(12))
    for service in (first, second):
        service.close()


def test_workers_that_cannot_be_started_are_an_error(service, image, tmp_path):
    from forked_workers import forked_worker

    def broken(*_, **__):
        raise ImportError("No module named 'gemmi'")

    def launch(reports, errors, has_terminal):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("forked_workers.work", broken)
            return forked_worker(reports, errors, has_terminal)

    executors = Executors(LocalExecutor(SHARES, service.params, launch))
    supervisor = Supervisor(service.queue, service.outputs, service.supervisor.plan, service.hear, executors)

    def keep_trying():
        for _ in range(500):
            supervisor.step()
            time.sleep(0.01)

    with pytest.raises(NoWorkers, match="No module named 'gemmi'"):
        keep_trying()
    executors.close()
