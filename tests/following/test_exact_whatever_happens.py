"""Whatever happens to the files of a sweep in whatever order, what was found early is what is found afterwards."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from followed_for_tests import assert_equal, turn
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from simulated import simulated_sweep

from autoproc.config import Config
from autoproc.errors import UNREADABLE
from autoproc.following.follower import Follower
from autoproc.following.frames_there import SELDOM
from autoproc.formats.images.stamps import FINE
from autoproc.simulation.beamline import numbered
from autoproc.stages.find_spots import search_of
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import open_frames

N = 5
TEMPLATE = "x_####.cbf"
IMAGES = st.integers(1, N)


class FilesOfASweep(RuleBasedStateMachine):
    """contents : of the images of two crystals, as long as each other."""

    contents: tuple[list[bytes], list[bytes]]
    now: list[float]

    @initialize(n=st.integers(0, N))
    def some_are_there(self, n):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.follower = Follower(str(self.folder / TEMPLATE), Config(), lambda said: None)
        for number in range(1, n + 1):
            self.write(number, 0)
        self.look(3)

    def teardown(self):
        self.scratch.cleanup()

    def path(self, number):
        return self.folder / numbered(TEMPLATE, number)

    @rule(number=IMAGES, crystal=st.integers(0, 1))
    def write(self, number, crystal):
        self.path(number).write_bytes(self.contents[crystal][number - 1])

    @rule(number=IMAGES, crystal=st.integers(0, 1))
    def write_a_half(self, number, crystal):
        content = self.contents[crystal][number - 1]
        self.path(number).write_bytes(content[: len(content) // 3])

    @rule(number=IMAGES, crystal=st.integers(0, 1))
    def write_and_set_the_time_back(self, number, crystal):
        if self.path(number).exists():
            before = self.path(number).stat()
            self.write(number, crystal)
            os.utime(self.path(number), ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(number=IMAGES, crystal=st.integers(0, 1))
    def rename(self, number, crystal):
        part = self.folder / "part"
        part.write_bytes(self.contents[crystal][number - 1])
        part.rename(self.path(number))

    @rule(number=IMAGES)
    def remove(self, number):
        self.path(number).unlink(missing_ok=True)

    @rule(one=IMAGES, other=IMAGES)
    def swap(self, one, other):
        if one != other and self.path(one).exists() and self.path(other).exists():
            self.path(one).rename(self.folder / "part")
            self.path(other).rename(self.path(one))
            (self.folder / "part").rename(self.path(other))

    @rule(n=st.integers(1, 3))
    def look(self, n):
        for _ in range(n):
            time.sleep(FINE)  # for the clock of file times, which is the machine's
            self.now[0] += 2 * SELDOM
            turn(self.follower)

    @invariant()
    def what_serves_is_what_is_found(self):
        if not hasattr(self, "folder") or not len(self.follower.early):
            return
        for sweep in import_sweeps([self.folder / TEMPLATE], Config().import_sweep).experiments:
            self.check(sweep.experiment)

    def check(self, experiment):
        reader = open_frames(experiment, Config(), is_read_again=False)
        try:
            search = search_of(experiment, reader, reader.mask, Config().find_spots)
        except UNREADABLE:
            return
        first, early = experiment.scan.image_range[0], self.follower.early
        if search.key() != early._key:
            return
        for frame in range(reader.n_frames):
            if early.has(first + frame, reader.stamp(frame)):
                assert_equal(early.frames(first)[frame], search(frame))


def test_files_of_a_sweep(tmp_path_factory, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("autoproc.following.frames_there.time.monotonic", lambda: now[0])
    crystals = [simulated_sweep(tmp_path_factory, n_images=N, orientation_seed=seed).images for seed in (3, 7)]
    contents = [[path.read_bytes() for path in images] for images in crystals]
    longest = max(len(content) for images in contents for content in images)
    FilesOfASweep.contents = tuple([c.ljust(longest, b"\0") for c in images] for images in contents)
    FilesOfASweep.now = now
    few = settings(
        max_examples=12, stateful_step_count=14, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(FilesOfASweep, settings=few)


def test_the_machine_can_find_what_serves(tmp_path, tmp_path_factory, monkeypatch):
    """Of images that stay as they are, all serve: else the machine would look at nothing."""
    now = [0.0]
    monkeypatch.setattr("autoproc.following.frames_there.time.monotonic", lambda: now[0])
    images = simulated_sweep(tmp_path_factory, n_images=N, orientation_seed=3).images
    for number in range(1, N + 1):
        (tmp_path / numbered(TEMPLATE, number)).write_bytes(images[number - 1].read_bytes())
    follower = Follower(str(tmp_path / TEMPLATE), Config(), lambda said: None)
    for _ in range(3):
        now[0] += 2 * SELDOM
        turn(follower)
    assert len(follower.early) == N
