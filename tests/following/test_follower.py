"""A sweep that is followed while it is written gives what it gives afterwards, to the bit."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from followed_for_tests import catch_up, follow, quick_waits, turn
from simulated import simulated_sweep

from autoproc.config import Config, with_threads
from autoproc.following.coming import FEW
from autoproc.following.crystal_probing import n_searched
from autoproc.following.early_integration import EarlyIntegration
from autoproc.following.follower import (
    AT_A_TIME,
    LATEST,
    LOOK,
    Follower,
    FollowerProgress,
    first_searched,
    pause_after,
)
from autoproc.following.frames_there import AGAIN
from autoproc.simulation.beamline import Collection, write_cbf
from autoproc.simulation.beamline_hdf5 import Hdf5Writing, write_hdf5
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import find_spots_of_sweep, open_frames
from autoproc.threads import available_cores


class NoWatch:
    def __call__(self, reader, label, n_reads):
        self.n_read = 0
        reading = reader.read

        def read(frame):
            self.n_read += 1
            return reading(frame)

        reader.read = read
        return self

    def __enter__(self):
        return self.reader

    def __exit__(self, *_):
        return None


def spots(path, early=None):
    """The spots of a sweep that is complete, and how many images were read for them."""
    (sweep,) = import_sweeps([path]).experiments
    config = Config()
    reader = open_frames(sweep.experiment, config, is_read_again=False)
    watch = NoWatch()
    watch.reader = reader
    found = find_spots_of_sweep(sweep.experiment, reader, config, watch, early)
    return found.reflections, watch.n_read


def followed(path, steps, told, n_images=60):
    follower = follow(path, steps, told=told)
    catch_up(follower, n_images)
    return follower


def assert_same(one, other):
    assert sorted(one) == sorted(other)
    for name in one:
        if name != "shoebox":
            np.testing.assert_array_equal(one[name], other[name], name)


@pytest.mark.parametrize("arrival", ["written", "slowly", "renamed"])
@pytest.mark.parametrize("in_order", [True, False])
def test_files_are_searched_as_they_come(tmp_path, tmp_path_factory, arrival, in_order):
    source = simulated_sweep(tmp_path_factory).images
    told = []
    collection = Collection(0.0, in_order, arrival)
    path = tmp_path / "x_####.cbf"
    follower = followed(path, write_cbf(source, tmp_path, path.name, collection), told)
    alone, n_read = spots(path)
    assert n_read == len(source)
    early, n_read = spots(path, follower.work)
    assert_same(early, alone)
    assert n_read == 0
    images = [facts.image for said in told if isinstance(said, FollowerProgress) for facts in said.facts]
    assert sorted(images) == list(range(1, len(source) + 1))


def test_frames_of_hdf5_are_searched_as_they_come(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory, "nxmx").start
    path = tmp_path / "x_master.h5"
    follower = followed(path, write_hdf5(source, tmp_path, "x", Collection(0.0), Hdf5Writing()), [])
    alone, n_all = spots(path)
    early, n_read = spots(path, follower.work)
    assert_same(early, alone)
    assert n_read == 0 < n_all


def test_an_image_that_was_written_again_is_read_again(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory).images
    path = tmp_path / "x_####.cbf"
    follower = followed(path, write_cbf(source, tmp_path, path.name, Collection(0.0)), [])
    (tmp_path / "x_0007.cbf").write_bytes(source[20].read_bytes())
    alone, _ = spots(path)
    early, n_read = spots(path, follower.work)
    assert_same(early, alone)
    assert n_read == 1


def test_another_search_uses_nothing(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory).images
    path = tmp_path / "x_####.cbf"
    config = Config().model_copy(update={"find_spots": Config().find_spots.model_copy(update={"n_sigma_strong": 4.0})})
    follower = Follower(str(path), config, lambda said: None)
    for _ in write_cbf(source, tmp_path, path.name, Collection(0.0)):
        pass
    catch_up(follower, len(source))
    early, n_read = spots(path, follower.work)
    assert n_read == len(source)
    assert_same(early, spots(path)[0])


def test_of_many_that_wait_the_first_and_some_of_all_are_searched():
    chosen, every = first_searched(list(range(100)), 16)
    assert chosen[:8] == list(range(8))
    assert chosen[-1] == 99
    assert len(chosen) == 16
    assert every == 12
    assert first_searched([3, 4], 16) == ([3, 4], 1)


def test_images_that_wait_are_told(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory).images
    for _ in write_cbf(source, tmp_path, "x_####.cbf", Collection(0.0)):
        pass
    told = []
    follower = Follower(str(tmp_path / "x_####.cbf"), Config(), told.append)
    while not told or not told[-1].facts:
        follower.turn(lambda: False)
    most = min(len(source), AT_A_TIME * available_cores())
    assert told[-1].n_there == len(source)
    assert told[0].n_waiting == len(source)
    assert 0 < len(told[-1].facts) <= most
    assert told[-1].n_waiting == len(source) - len(told[-1].facts)


def test_nobody_who_is_done_with_goes_on(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory).images
    for _ in write_cbf(source, tmp_path, "x_####.cbf", Collection(0.0)):
        pass
    follower = Follower(str(tmp_path / "x_####.cbf"), Config(), lambda said: None)
    for _ in range(2):
        follower.turn(lambda: True)
        time.sleep(AGAIN + 0.1)
    assert len(follower.early) == 1


def test_rotation_that_was_searched():
    """Images that never came are few and not the last; one that is there and was not searched ends it."""
    every = range(1, 31)
    assert n_searched(every, set(every), every) == 30
    assert n_searched(every, set(range(1, 13)), every) == 12
    lost = set(every) - {4}
    assert n_searched(every, lost, lost) == 30
    assert n_searched(every, lost, every) == 3
    assert n_searched(every, lost - set(range(20, 31)), lost) == 19
    ends = {1, 2, 3, 29, 30}
    assert n_searched(every, ends, ends) == 3
    assert n_searched(every, set(), []) == 0


def written(source, folder, numbers):
    for number in numbers:
        (folder / f"x_{number:04}.cbf").write_bytes(source[number - 1].read_bytes())


@pytest.fixture
def few(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, n_images=16).images


@pytest.fixture
def seems_whole(tmp_path, monkeypatch):
    """Whether what is there seems to be all, once it was searched."""
    quick_waits(monkeypatch)
    monkeypatch.setattr("autoproc.following.arrival_pace.QUIET", 0.05)

    def seems(n, follower=None):
        follower = follower or Follower(str(tmp_path / "x_####.cbf"), Config(), lambda said: None)
        catch_up(follower, n)
        time.sleep(0.1)
        turn(follower)
        return follower.seems_whole, follower

    return seems


def test_a_sweep_seems_whole_once_nothing_comes_any_more(tmp_path, few, seems_whole):
    written(few, tmp_path, range(1, 13))
    whole, follower = seems_whole(12)
    assert whole
    assert not follower.has_more()
    written(few, tmp_path, [13])
    assert follower.has_more()
    turn(follower)
    assert not follower.seems_whole


def test_stills_are_told_once_there_are_some(tmp_path, few, monkeypatch):
    quick_waits(monkeypatch)
    follower = Follower(str(tmp_path / "x_####.cbf"), Config(), lambda said: None)
    for number in range(1, 13):
        image = re.sub(rb"(# (?:Start_angle|Angle_increment) )[0-9.]+", rb"\g<1>0.0000", few[number - 1].read_bytes())
        (tmp_path / f"x_{number:04}.cbf").write_bytes(image)
        turn(follower)
        assert ("stills" in follower.why_none) == (number >= FEW)


def test_what_is_due_is_integrated_once_few_images_wait(tmp_path, few, monkeypatch):
    quick_waits(monkeypatch)
    monkeypatch.setattr("autoproc.following.follower.AT_A_TIME", 1)
    waited, told = [], []
    monkeypatch.setattr(EarlyIntegration, "due", lambda *_: 5)
    monkeypatch.setattr(EarlyIntegration, "begin", lambda *_: waited.append(told[-1].n_waiting))
    written(few, tmp_path, range(1, 13))
    config = with_threads(Config(), 1)
    follower = Follower(str(tmp_path / "x_####.cbf"), config, told.append)
    catch_up(follower, 12)
    assert max(said.n_waiting for said in told) > 2
    assert waited
    assert max(waited) <= 2


def test_what_lacks_images_does_not_seem_whole(tmp_path, few, seems_whole):
    written(few, tmp_path, [*range(1, 7), *range(8, 14)])
    assert not seems_whole(12)[0]


def test_what_was_planned_is_waited_for_and_no_longer(tmp_path, few, seems_whole, monkeypatch):
    planned = b"# N_images 12\r\n# Detector"
    for number in range(1, 13):
        image = few[number - 1].read_bytes().replace(b"# Detector", planned, 1)
        (tmp_path / f"x_{number:04}.cbf").write_bytes(image)
        if number == 11:
            whole, follower = seems_whole(11)
            assert not whole
    monkeypatch.setattr("autoproc.following.arrival_pace.QUIET", 1e9)  # more may come at any time
    assert seems_whole(12, follower)[0]


def test_frames_of_hdf5_do_not_seem_whole_before_their_order_comes(tmp_path, tmp_path_factory, monkeypatch):
    quick_waits(monkeypatch)
    monkeypatch.setattr("autoproc.following.arrival_pace.QUIET", 0.0)
    source = simulated_sweep(tmp_path_factory, "nxmx").start
    path = tmp_path / "x_master.h5"
    follower = followed(path, write_hdf5(source, tmp_path, "x", Collection(0.0), Hdf5Writing()), [])
    assert not follower.seems_whole


def test_whether_images_are_what_they_were(tmp_path, few, seems_whole):
    written(few, tmp_path, range(1, 13))
    _, follower = seems_whole(12)
    assert follower.is_unchanged()
    written(few, tmp_path, [5])
    assert not follower.is_unchanged()
    _, follower = seems_whole(12)
    (tmp_path / "x_0012.cbf").unlink()
    assert not follower.is_unchanged()


def test_a_copy_of_what_was_done_is_used_up_in_its_place(tmp_path, few, seems_whole):
    written(few, tmp_path, range(1, 13))
    _, follower = seems_whole(12)
    path = tmp_path / "x_####.cbf"
    for _ in range(2):
        assert spots(path, follower.work.copy())[1] == 0
    assert spots(path, follower.work)[1] == 0
    assert spots(path, follower.work)[1] == 12


def test_looks_take_half_of_all_time_at_most_and_a_tenth_where_they_are_quick():
    assert pause_after(0.0) == LOOK
    assert pause_after(0.1) == pytest.approx(1.0)
    assert pause_after(0.5) == LATEST
    assert pause_after(30.0) == 30.0


def test_what_cannot_be_opened_is_looked_at_again(tmp_path, few, monkeypatch):
    """It may be another by then."""
    monkeypatch.setattr("autoproc.following.follower.pause_after", lambda took: 0.05)
    monkeypatch.setattr(Follower, "_opened", lambda *_: None)
    written(few, tmp_path, range(1, 4))
    follower = Follower(str(tmp_path / "x_####.cbf"), Config(), lambda said: None)
    turn(follower)
    written(few, tmp_path, [4])
    deadline = time.monotonic() + 10
    while len(follower.there.numbers) < 4:
        assert time.monotonic() < deadline
        turn(follower)
        time.sleep(0.01)
