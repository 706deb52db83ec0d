"""A sweep that was followed, and processed before its order came, has the results of one that was not: to the byte."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from forked_workers import forked_worker
from queue_for_tests import SHARES, Service
from simulated import simulated_sweep
from threadpoolctl import threadpool_limits

from autoproc.config import Config, with_threads
from autoproc.service.following.expecting import Expecting
from autoproc.service.following.followers import Followers
from autoproc.service.following.live_folder import LiveFolder
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.sweeps.found_sweep import FoundSweep

N = 16
SAME = ("merged.mtz", "unmerged.mtz", "parameters.json", "stages/integrated.refl", "stages/scaled.refl",
        "stages/imported.expt", "stages/scaled.expt")  # fmt: skip
LONGEST = 120.0
"""Seconds after which a test fails, on the slowest machine."""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("autoproc.following.frames_there.AGAIN", 0.02)
    monkeypatch.setattr("autoproc.following.arrival_pace.QUIET", 0.1)
    with threadpool_limits(1, user_api="blas"):  # as workers are begun: a probe under way lifts what a stage has set
        yield


@pytest.fixture
def source(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, n_images=N).images


class Beamline:
    """A service, a sweep that comes to it, and who follows it."""

    def __init__(self, tmp_path, name):
        self.images = tmp_path / "images"
        self.images.mkdir(exist_ok=True)
        self.template = str(self.images / "x_###.cbf")
        self.service = Service(tmp_path / name, shares=replace(SHARES, n_workers=1))
        self.service.local.launch = forked_worker
        self.coming = []
        config = with_threads(Config(), SHARES.n_threads)
        self.followers = Followers(
            lambda: self.coming, config, self.service.local, LiveFolder(self.service.outputs), self.service.hear,
            expecting=Expecting(self.service.queue, self.service.outputs, config, [self.images]),
        )  # fmt: skip

    def write(self, source, numbers):
        for number in numbers:
            shutil.copyfile(source[number - 1], self.images / f"x_{number:03}.cbf")
        self.coming = [Arriving(self.template, "x", max(numbers), "more to come", None)]

    def until(self, condition):
        deadline = time.monotonic() + LONGEST
        while not condition():
            assert time.monotonic() < deadline
            self.followers.poll()
            time.sleep(0.01)

    @property
    def ahead(self):
        return "".join(one.ahead for one in self.followers.told())

    def complete(self, n_images):
        """Returns the folder of results."""
        self.coming = []
        sweep = FoundSweep(
            Path(self.template), "cbf", (1, n_images), n_images, "f", "complete", "", "x", str(self.images), time.time()
        )
        self.service.intake.take(sweep)
        self.service.work(LONGEST)
        assert self.service.queue.named("x").state is JobState.processed
        return self.service.outputs.results("x")


@pytest.fixture
def beamline(tmp_path):
    made = []

    def one(name):
        made.append(Beamline(tmp_path, name))
        return made[-1]

    yield one
    for each in made:
        each.followers.close()
        each.service.close()


def assert_same(followed, alone):
    for name in SAME:
        assert (followed / name).read_bytes() == (alone / name).read_bytes(), name
    held = followed.parent / ".autoproc" / "ahead"
    assert [entry.name for program in held.iterdir() for entry in program.iterdir()] == ["program"]


def test_of_a_sweep_processed_before_its_order_came(beamline, source):
    one = beamline("followed")
    one.write(source, range(1, 2))
    one.followers.poll()
    one.write(source, range(2, N - 3))
    one.until(lambda: one.ahead == "done")  # it seems to have come to its end
    assert not (one.service.output / "x").exists()
    one.write(source, range(N - 3, N + 1))
    one.until(lambda: one.ahead != "done")
    one.until(lambda: one.ahead == "done")
    followed = one.complete(N)
    log = (followed / "autoproc.log").read_text()
    assert f"while they came, {N} images were searched" in log
    assert_same(followed, beamline("alone").complete(N))


def test_of_a_sweep_whose_order_comes_while_it_is_processed(beamline, source):
    one = beamline("followed")
    one.write(source, range(1, 2))
    one.followers.poll()
    one.write(source, range(2, N + 1))
    one.until(lambda: one.ahead)
    followed = one.complete(N)
    assert f"while they came, {N} images were searched" in (followed / "autoproc.log").read_text()
    assert_same(followed, beamline("alone").complete(N))
