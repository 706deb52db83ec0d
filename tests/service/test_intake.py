"""What is found or named becomes a job once, and again for a reason only."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from queue_for_tests import Service, found
from simulated import simulated_sweep

from autoproc.service.intake import Intake
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.lifecycle import settlement
from autoproc.service.probing.answers import Inside
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.watching.named_sweeps import named_sweeps
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.watcher import Watcher
from autoproc.simulation.beamline import Collection, collect
from autoproc.simulation.beamline_hdf5 import write_hdf5

CUT = {"scale": {"d_min": 2.0}}


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path / "out")
    yield service
    service.close()


@pytest.fixture
def sweep(tmp_path):
    path = tmp_path / "x.img"
    path.write_text("images, many of them")
    return found(path)


def named(service, sweep, settings=None) -> JobState:
    """Name a sweep on the command line; returns its state then."""
    return service.intake.take_named(sweep, settings or {}).state


def test_named_twice(service, sweep):
    assert named(service, sweep) is JobState.queued
    service.work()
    assert named(service, sweep) is JobState.processed
    assert service.told("already") == ["x"]


def test_other_parameters_are_a_reason(service, sweep):
    named(service, sweep)
    service.work()
    assert named(service, sweep, CUT) is JobState.queued
    service.work()
    assert service.queue.named("x").settings == CUT
    assert named(service, sweep, CUT) is JobState.processed
    assert named(service, sweep) is JobState.queued


def test_other_images_of_the_sweep_are_a_reason(service, sweep):
    named(service, sweep)
    service.work()
    assert named(service, replace(sweep, image_range=(1, 5), n_images=5)) is JobState.queued
    assert service.queue.named("x").image_range == (1, 5)


def test_a_failure_is_a_reason(service, tmp_path):
    path = tmp_path / "bad.img"
    path.write_text("images, all of them bad")
    for _ in range(2):
        assert named(service, found(path)) is JobState.queued
        service.work()
        assert service.queue.named("bad").state is JobState.failed
    service.intake.take(found(path))  # but being found is none
    assert service.queue.named("bad").state is JobState.failed


def test_lost_results_are_a_reason(service, sweep):
    named(service, sweep)
    service.work()
    (service.outputs.results("x") / "summary.json").unlink()
    assert named(service, sweep) is JobState.queued


def test_new_images_in_the_place_of_old_ones(service, sweep):
    """Named, they take the old ones' place; found, they have a folder of their own, and both results are kept."""
    named(service, sweep)
    service.work()
    sweep.path.write_text("another crystal's images")
    service.intake.take_named(found(sweep.path), {})
    assert [(job.name, job.state) for job in service.queue.rows()] == [("x", JobState.queued)]
    service.work()
    sweep.path.write_text("third crystal's images")
    service.intake.take(found(sweep.path, visit="visit"))
    service.work()
    assert [(job.name, job.state) for job in service.queue.rows()] == [
        ("x", JobState.processed), ("x_2", JobState.processed),
    ]  # fmt: skip


def test_what_was_asked_for_is_done_as_it_was_asked_for(service, sweep):
    named(service, sweep)
    service.work()
    service.queue.reprocess("x", {"scale.d_min": "2.5"})
    assert named(service, sweep) is JobState.queued
    service.work()
    assert service.queue.named("x").settings == {"scale": {"d_min": 2.5}}


def test_what_was_asked_for_stands_until_something_else_is(service, sweep):
    """Whether the sweep was named or found first, and whatever became of its results."""
    for first in (
        lambda: named(service, sweep),
        lambda: service.intake.take(replace(sweep, fingerprint="y", name="y")),
    ):
        first()
        service.work()
        job = service.queue.rows()[-1]
        again = replace(sweep, fingerprint=job.fingerprint)
        service.queue.reprocess(job.name, {"scale.d_min": "2.5"})
        service.work()
        assert named(service, again) is JobState.processed
        (service.outputs.results(job.name) / "summary.json").unlink()
        assert named(service, again) is JobState.queued
        service.work()
        assert service.queue.job(job.id).settings == {"scale": {"d_min": 2.5}}
        assert named(service, again, CUT) is JobState.queued
        service.work()
        assert service.queue.job(job.id).settings == CUT


def test_how_long_it_took_is_told_of_what_was_not_asked_for(service, sweep, monkeypatch):
    noted = []
    monkeypatch.setattr(settlement, "note_latency", lambda place, run, *said: noted.append((place.name, run, *said)))
    service.intake.take(sweep)
    service.work()
    latency = service.queue.named("x").latency
    assert latency > 1e6  # since the images came, long ago
    assert noted == [("x", 1, latency, "")]
    service.queue.reprocess("x", {})
    service.work()
    assert service.queue.named("x").latency is None
    assert noted[1][:3] == ("x", 2, None)
    assert "by processing it again" in noted[1][3]
    assert service.queue.named("x").waited < 100
    named(service, sweep, CUT)
    service.work()
    job = service.queue.named("x")
    assert job.latency is None
    assert job.completed_at == 1000.0


def test_a_sweep_that_waits_is_not_begun_once_more(service, sweep):
    service.intake.take(sweep)
    named(service, sweep)
    assert service.told("found", "again") == ["x", "x"]
    assert [event.kind for event in service.events] == ["found", "found"]
    named(service, sweep)
    assert "in the queue" in service.events[-1].facts["text"]


def test_how_many_images_are_known(service, sweep):
    assert service.intake.n_known(sweep.fingerprint) == 0
    service.intake.take(sweep)
    assert service.intake.n_known(sweep.fingerprint) == sweep.n_images
    service.work()
    service.intake.take(replace(sweep, n_images=sweep.n_images + 1))
    assert service.told("found", "extended") == ["x", "x"]
    service.work()
    (service.outputs.results("x") / "summary.json").unlink()
    assert service.intake.n_known(sweep.fingerprint) == 0


def test_listed(service):
    service.intake.take(ListedImages(Path("/data/shot_#.cbf"), 2, "screening", "screening shots 90 degrees apart"))
    assert service.queue.rows()[0].state is JobState.listed
    assert "screening shots" in service.events[0].facts["text"]


@pytest.mark.parametrize("file_format", ["minicbf", "nxmx"])
def test_a_sweep_is_the_same_whether_it_is_found_or_named(tmp_path_factory, file_format):
    written = simulated_sweep(tmp_path_factory, file_format=file_format, n_images=20, hot_pixels=0)
    folder = written.start.parent
    clock = [written.start.stat().st_mtime + 1000]
    watcher = Watcher([folder], WatchParams(method="polling"), Inside(), once=True, clock=lambda: clock[0])
    watched = watcher.poll(0)
    watcher.close()
    by_folder, by_file = (named_sweeps([path], Inside()).sweeps for path in (folder, written.start))
    assert [s.fingerprint for s in by_folder] == [s.fingerprint for s in watched]
    assert by_folder[0].fingerprint == by_file[0].fingerprint
    assert (by_folder[0].path, by_folder[0].name) == (watched[0].path, watched[0].name)
    assert by_folder[0].n_images == watched[0].n_images == 20


def test_some_images_of_a_sweep(tmp_path_factory):
    written = simulated_sweep(tmp_path_factory, n_images=20, hot_pixels=0)
    (sweep,) = named_sweeps(written.images[4:10], Inside()).sweeps
    assert sweep.image_range == (5, 10)
    assert sweep.n_images == 6


def test_a_collection_that_was_aborted_is_partial_until_it_goes_on(service, tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory, "nxmx", n_images=12).start

    def collected(n_images) -> FoundSweep:
        collect(write_hdf5(source, tmp_path, "x", Collection(rate=0, n_images=n_images)))
        (sweep,) = named_sweeps([tmp_path / "x_master.h5"], Inside()).sweeps
        return sweep

    partial = collected(7)
    assert (partial.state, partial.image_range, partial.n_images) == ("partial", (1, 7), 7)
    assert partial.reason == "7 of 12 images are there"
    service.intake.take_named(partial, {})
    service.intake.take_named(collected(12), {})
    job = service.queue.named("x")
    assert (job.partial, job.image_range, job.n_images) == ("", None, 12)


def test_what_is_told_as_found_is_in_the_queue(service, tmp_path):
    """Several are taken in at once: whoever is told of one finds all of them, with another connection."""
    seen = []
    other = JobQueue(service.queue.path)
    intake = Intake(service.queue, service.outputs, lambda event: seen.append(len(other.rows())))
    intake.take(*(found(tmp_path / f"{name}.img", fingerprint=name) for name in "abc"))
    other.close()
    assert seen == [3, 3, 3]


def test_of_several_that_cannot_be_written_none_is_told(service, tmp_path, monkeypatch):
    add = service.queue.add

    def full(sweep, **options):
        if sweep.name == "b":
            raise sqlite3.OperationalError("database or disk is full")
        return add(sweep, **options)

    sweeps = [found(tmp_path / f"{name}.img", fingerprint=name) for name in "abc"]
    with monkeypatch.context() as patched:
        patched.setattr(service.queue, "add", full)
        with pytest.raises(sqlite3.OperationalError):
            service.intake.take(*sweeps)
    assert (service.queue.rows(), service.told("found")) == ([], [])
    service.intake.take(*sweeps)
    assert service.told("found") == ["a", "b", "c"]


def test_many_sweeps_wait_for_the_disk_once(service, tmp_path):
    statements = []
    service.queue._db.set_trace_callback(statements.append)
    service.intake.take(*(found(tmp_path / f"x{n}.img", fingerprint=str(n)) for n in range(40)))
    service.queue._db.set_trace_callback(None)
    assert statements.count("COMMIT") == 1
