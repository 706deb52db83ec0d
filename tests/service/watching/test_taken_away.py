"""A queue, or a folder of results, that somebody deletes under a program is noticed and said; no result is lost."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from forked_workers import forked_worker, probing_inside
from queue_for_tests import Service, found, process_fake, result_of
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.service.daemon import Daemon
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.job_queue.queue_tables import QueueGone
from autoproc.service.lifecycle import settlement
from autoproc.service.signs_of_life.heartbeat import Heartbeat


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path / "out")
    yield service
    service.close()


def deleted(output: Path) -> None:
    for path in (output / ".autoproc").glob("queue.sqlite*"):
        path.unlink()


def replaced(output: Path) -> None:
    deleted(output)
    JobQueue(output / ".autoproc" / "queue.sqlite").close()


def moved(output: Path) -> None:
    output.rename(output.with_name("elsewhere"))


def without_the_folder(output: Path) -> None:
    shutil.rmtree(output)


def with_a_file_in_its_place(output: Path) -> None:
    shutil.rmtree(output)
    output.write_text("a file")


WAYS = (deleted, replaced, moved, without_the_folder, with_a_file_in_its_place)


@pytest.mark.parametrize("take_away", WAYS)
def test_a_queue_that_is_taken_away(service, take_away):
    service.queue.require_file()
    take_away(service.output)
    with pytest.raises(QueueGone, match=r"queue\.sqlite was deleted, moved, or replaced"):
        service.queue.require_file()


def test_a_file_server_that_is_away_is_not_the_end(service, monkeypatch):
    def stale(path, *_, **__):
        raise OSError(116, "Stale file handle", str(path))

    monkeypatch.setattr("autoproc.service.job_queue.queue_tables.os.stat", stale)
    service.queue.require_file()


def test_a_heartbeat_makes_no_new_queue(tmp_path):
    path = tmp_path / "queue.sqlite"
    with closing(JobQueue(path)) as queue:
        path.unlink()

        def opened() -> JobQueue:
            queue.require_file()
            return JobQueue(path)

        with Heartbeat(opened, lease=0.1):
            time.sleep(0.2)
    assert not path.exists()


@pytest.mark.parametrize("take_away", WAYS)
def test_autoproc_run(tmp_path, monkeypatch, take_away):
    """It stops with a message and an exit status, without a traceback, soon."""
    output, images, turns = tmp_path / "out", tmp_path / "images", []
    images.mkdir()
    turn = Daemon.turn

    def turning(daemon, is_done):
        turns.append(1)
        if len(turns) == 3:
            take_away(output)
        assert len(turns) < 30
        return turn(daemon, is_done)

    monkeypatch.setattr(Daemon, "turn", turning)
    monkeypatch.setattr("autoproc.service.daemon.TROUBLE", 0.01)
    monkeypatch.setattr("autoproc.commands.run.launch_worker", forked_worker)
    monkeypatch.setattr("autoproc.commands.wanted.probing", probing_inside)
    result = CliRunner().invoke(app, ["run", str(images), "--output", str(output)])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 3
    words = " ".join(result.output.split())
    assert f"the queue {output}/.autoproc/queue.sqlite was deleted, moved, or replaced" in words
    assert "start `autoproc run` again" in words


def test_what_was_at_work_is_handed_back_to_a_queue_that_was_moved(service, tmp_path):
    image = tmp_path / "hang_x.img"
    image.write_text("images")
    service.queue.add(found(image))
    service.until(lambda: service.supervisor.n_running == 1)
    moved(service.output)
    service.supervisor.hand_back()
    with closing(JobQueue(tmp_path / "elsewhere" / ".autoproc" / "queue.sqlite")) as queue:
        assert queue.named("hang_x").state is JobState.queued


def test_results_that_are_deleted_before_they_are_in_their_place(service, tmp_path, monkeypatch):
    """They are made again: a sweep is not called processed without, nor with those of before."""
    image = tmp_path / "x.img"
    image.write_text("first")
    service.queue.add(found(image))
    service.work()
    image.write_text("second")
    service.queue.reprocess("x", {})
    n_deleted = []
    settled = settlement.Settlement.conclude

    def deleting(closing, job, *args, **kwargs):
        if not n_deleted:
            n_deleted.append(shutil.rmtree(service.outputs.work))
        settled(closing, job, *args, **kwargs)

    monkeypatch.setattr(settlement.Settlement, "conclude", deleting)
    service.work()
    assert (service.output / "x" / "merged.mtz").read_bytes() == result_of(b"second")
    assert service.told("put back") == ["x"]
    assert service.queue.named("x").state is JobState.processed


def process_and_delete(order, console, work: Path) -> dict:
    """Processing under which the folder is deleted, once."""
    if not (mark := Path(order.path).with_suffix(".deleted")).exists():
        mark.touch()
        shutil.rmtree(work)
    return process_fake(order, console)


def test_a_work_folder_that_is_deleted_while_it_is_written_to(service, tmp_path):
    image = tmp_path / "x.img"
    image.write_text("images")
    service.queue.add(found(image))
    processing = partial(process_and_delete, work=service.outputs.work)
    service.local.launch = partial(forked_worker, processing=processing)
    service.work()
    assert (service.output / "x" / "merged.mtz").read_bytes() == result_of(b"images")
    assert service.told("put back") == ["x"]
    assert os.listdir(service.outputs.work) == []
