"""Sweeps that are followed while they are written, and what must come out the same."""

from __future__ import annotations

import time

import numpy as np

from autoproc.config import Config
from autoproc.errors import UNREADABLE
from autoproc.following.follower import Follower
from autoproc.stages.find_spots import find_spots, search_of
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import open_frames

LONGEST = 30.0
"""Seconds after which a test fails, on the slowest machine."""


def quick_waits(monkeypatch):
    """Images that cannot be read, or are too young, are tried again soon, and each turn looks."""
    monkeypatch.setattr("autoproc.following.frames_there.AGAIN", 0.02)
    monkeypatch.setattr("autoproc.following.follower.pause_after", lambda took: 0.0)


def configured(**import_or_search):
    """A configuration: parameters of import_sweep, or of find_spots."""
    config = Config()
    for part in ("import_sweep", "find_spots"):
        known = type(getattr(config, part)).model_fields
        given = {name: value for name, value in import_or_search.items() if name in known}
        config = config.model_copy(update={part: type(getattr(config, part))(**given)})
    return config


def follow(path, steps, config=None, told=None):
    """A follower that has looked after each step of a writer."""
    follower = Follower(str(path), config or Config(), (lambda said: None) if told is None else told.append)
    for _ in steps:
        turn(follower)
    return follower


def turn(follower):
    """Look once, as a worker does: what half a file leads to is no harm."""
    try:
        return follower.turn(lambda: False)
    except (*UNREADABLE, OSError, KeyError, ValueError, RuntimeError):
        return False


def catch_up(follower, n):
    """Until so many images are searched."""
    end = time.monotonic() + LONGEST
    while len(follower.early) < n:
        assert time.monotonic() < end, f"{len(follower.early)} of {n} images searched"
        if not turn(follower):
            time.sleep(0.01)


def sweeps_of(path, config=None):
    """The experiments of a sweep that is complete."""
    return [sweep.experiment for sweep in import_sweeps([path], (config or Config()).import_sweep).experiments]


def assert_same_strong_pixels(path, early, config=None):
    """What was found early is what a search finds. Returns the images for which it served."""
    config, served = config or Config(), []
    for experiment in sweeps_of(path, config):
        reader = open_frames(experiment, config, is_read_again=False)
        search = search_of(experiment, reader, reader.mask, config.find_spots)
        first = experiment.scan.image_range[0]
        known = early.of(search.key(), first, reader.stamp)
        for frame in range(reader.n_frames):
            found = known(frame)
            if found is not None:
                served.append(first + frame)
                assert_equal(found, search(frame))
    return served


def assert_equal(one, other):
    """Of two searched frames."""
    assert (one.frame, one.is_unread, one.strong.n_strong) == (other.frame, other.is_unread, other.strong.n_strong)
    for name in ("index", "counts", "background"):
        mine, yours = getattr(one.strong, name), getattr(other.strong, name)
        assert mine.dtype == yours.dtype
        assert mine.tobytes() == yours.tobytes(), name


def assert_same_spots(path, early, config=None):
    """To the bit; early is used up."""
    config = config or Config()
    for experiment in sweeps_of(path, config):
        reader = open_frames(experiment, config, is_read_again=False)
        first, ask = experiment.scan.image_range[0], (experiment, reader, reader.mask, config.find_spots)
        alone = find_spots(*ask)
        found = find_spots(*ask, early=lambda key, first=first, reader=reader: early.of(key, first, reader.stamp))
        assert len(alone.reflections)
        for name in alone.reflections:
            np.testing.assert_array_equal(found.reflections[name], alone.reflections[name], name)
        assert found.counts == alone.counts
        assert (found.warnings, found.notes, found.n_unread) == (alone.warnings, alone.notes, alone.n_unread)
