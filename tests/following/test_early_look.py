"""What integration looks at first is looked at while the images come, and is the same to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from followed_for_tests import catch_up, follow
from quiet_observer import Quiet
from simulated import simulated_sweep

from autoproc.config import Config
from autoproc.following import early_look
from autoproc.following.coming import Coming
from autoproc.formats.registry import open_reader
from autoproc.integration import early_survey, scattering
from autoproc.simulation.beamline import Collection, write_cbf
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing, find, find_lattices, measure


def integrated(path, early=None):
    (sweep,) = import_sweeps([path]).experiments
    processing, config = Processing(sweep.experiment, early=early), Config()
    reader = find(processing, config, Quiet())
    find_lattices(processing, config, Quiet())
    measure(processing, reader, config, Quiet())
    assert processing.early is None
    return processing.integrated


def followed(path, images):
    follower = follow(path, write_cbf(images, path.parent, path.name, Collection(0.0)))
    catch_up(follower, len(images))
    for _ in range(3):  # what is known of the geometry changes with each probe
        follower._probing.finish()
        while follower.turn(lambda: False):
            pass
    return follower.work


@pytest.fixture
def asked(monkeypatch):
    """Whether what was asked for was known, one by one."""
    answers = []
    find = early_survey.EarlyFrames.find

    def told(self, *args):
        found = find(self, *args)
        answers.append(found is not None)
        return found

    monkeypatch.setattr(early_survey.EarlyFrames, "find", told)
    return answers


def assert_same(one, other):
    assert sorted(one.reflections) == sorted(other.reflections)
    for name in one.reflections:
        np.testing.assert_array_equal(one.reflections[name], other.reflections[name], name)
    assert one.look.levels == other.look.levels
    np.testing.assert_array_equal(one.untrusted.is_hot, other.untrusted.is_hot)
    np.testing.assert_array_equal(one.untrusted.is_shadowed, other.untrusted.is_shadowed)


@pytest.fixture(autouse=True)
def a_header_that_is_right(monkeypatch):
    """To a step of distance, so that refinement moves the detector by none."""
    monkeypatch.setattr(scattering, "DISTANCE_STEP", 0.02)


@pytest.fixture
def alone(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory).images
    path = tmp_path / "x_####.cbf"
    work = followed(path, source)
    return path, source, work, integrated(path)


def test_what_was_seen_early_is_used_and_is_the_same(alone, asked):
    path, _, work, plain = alone
    assert len(work.survey) >= 16  # the others wait for a spot that goes on until the end
    assert_same(integrated(path, work), plain)
    assert sum(asked) == len(work.survey) // 8


def test_frames_whose_spots_turned_out_otherwise_are_looked_at_once_more(alone, asked):
    path, _, work, plain = alone
    first = min(work.survey._tasks)
    task = work.survey._tasks[first]
    spots = [one._replace(xy=one.xy + 0.25) for one in task.spots]
    stamps = task.stamps
    (sweep,) = import_sweeps([path]).experiments
    reader = open_reader(sweep.experiment)
    images = [reader.read(first - 1 + n) for n in range(len(stamps))]
    added = early_survey.BackgroundSum.of_shape(reader.shape)
    work.survey._surveyor.look(images, task.spots, added)
    work.survey.background.exclude(added)
    work.survey.look(first, images, stamps, spots)
    assert_same(integrated(path, work), plain)
    assert False in asked


def test_a_changed_image_makes_it_of_no_use(alone, asked):
    path, source, work, _ = alone
    (path.parent / "x_0003.cbf").write_bytes(source[30].read_bytes())
    plain = integrated(path)
    assert_same(integrated(path, work), plain)
    assert asked == []


def test_images_are_read_again_where_there_is_no_room_to_hold_them(tmp_path, tmp_path_factory, monkeypatch, asked):
    monkeypatch.setattr(early_look, "MOST_HELD", 0)
    source = simulated_sweep(tmp_path_factory).images
    path = tmp_path / "x_####.cbf"
    work = followed(path, source)
    assert_same(integrated(path, work), integrated(path))
    assert True in asked


def test_an_image_that_is_not_what_was_searched_is_not_looked_at(tmp_path, tmp_path_factory):
    source = simulated_sweep(tmp_path_factory).images
    path = tmp_path / "x_####.cbf"
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)))
    catch_up(follower, len(source))
    there = Coming(path, Config().import_sweep).look()
    looking = early_look.EarlyLook(
        there, scattering.steady_geometry(there.experiment), there.reader(), Config().find_spots
    )
    looking.take(follower.early)
    (tmp_path / "x_0003.cbf").write_bytes(source[30].read_bytes())
    assert looking.turn(there.reader(), follower.early, lambda: False)
    assert 1 not in looking.survey._tasks
    assert 9 in looking.survey._tasks
