"""The order that is expected of a sweep that is coming, and the folder where its results are held."""

from __future__ import annotations

from pathlib import Path

import pytest
from queue_for_tests import Service, found

from autoproc.config import Config
from autoproc.service.following.expecting import FOLDER, PROGRAM, Expecting, remove_abandoned
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import home_of


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path / "out")
    yield service
    service.close()


def expecting(service, *watched):
    return Expecting(service.queue, service.outputs, Config(), [Path(root) for root in watched])


def test_it_is_the_order_that_comes(service, tmp_path):
    path = tmp_path / "x.img"
    path.write_bytes(b"images")
    order = expecting(service, tmp_path).order(str(path), "x")
    service.intake.take(found(path))
    job = service.queue.named("x")
    assert (order.name, order.path, order.visit, order.partial) == (job.name, job.path, job.visit, job.partial)
    assert (order.named, order.changes) == (job.base, job.parameters)
    assert home_of(order.attempt) == service.outputs.results("x")


def test_its_name_is_that_of_no_other(service, tmp_path):
    for visit in ("a", "b"):
        (tmp_path / visit).mkdir()
        (tmp_path / visit / "x.img").write_bytes(visit.encode())
    service.intake.take(found(tmp_path / "a" / "x.img"))
    order = expecting(service, tmp_path).order(str(tmp_path / "b" / "x.img"), "x")
    service.intake.take(found(tmp_path / "b" / "x.img"))
    assert order.name == "b_x"
    assert service.queue.named("b_x").path == order.path


def test_its_visit_is_the_nearest_watched_folder(service):
    one = expecting(service, "/data", "/data/mx1", "/dat")
    assert one.order("/data/mx1/c/x_###.cbf", "x").visit == "/data/mx1"
    assert one.order("/data/mx2/x_###.cbf", "x").visit == "/data"


def test_what_is_held_goes_with_its_worker_and_the_folder_with_the_program(service):
    one = expecting(service, "/data")
    held = [one.order(f"/data/{name}_###.cbf", name).folder for name in "xy"]
    for folder in held:
        folder.mkdir()
    one.forget("/data/x_###.cbf")
    one.close()
    assert [folder.exists() for folder in held] == [False, True]  # y was asked for, and is about to be taken
    held[1].rmdir()
    one.close()
    assert not one.folder.exists()


def test_what_programs_have_left_that_are_gone_is_removed(service):
    for name, program in (("gone", this_program() + "1"), ("here", this_program()), ("nobody's", "")):
        folder = service.outputs.state / FOLDER / name
        (folder / "key").mkdir(parents=True)
        (folder / PROGRAM).write_text(program)
    remove_abandoned(service.outputs)
    assert [entry.name for entry in (service.outputs.state / FOLDER).iterdir()] == ["here"]
