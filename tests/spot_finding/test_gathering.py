"""Spots gathered frame by frame are those of all frames at once, wherever one stopped to look at them."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulated_frames

from autoproc.models.experiment import Scan
from autoproc.spot_finding import gathering as module
from autoproc.spot_finding.gathering import Gathering
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.stages.find_spots import find_spots, search_of, spots_of
from autoproc.stages.integrate_stretches import first_images

N, PARAMS = 24, FindSpotsParams()


@pytest.fixture(scope="module")
def sweep():
    return simulated_frames(n_images=N)


@pytest.fixture(scope="module")
def searched(sweep):
    search = search_of(sweep.experiments()[0], sweep, sweep.mask, PARAMS)
    return [search(frame) for frame in range(N)]


def gathered(sweep, searched, milestones=()):
    one = Gathering(sweep.shape, sweep.experiments()[0].scan, PARAMS, milestones)
    for found in searched:
        one.add(found)
    return one


def assert_same(one, other):
    assert one.counts == other.counts
    assert sorted(one.reflections) == sorted(other.reflections)
    for name in one.reflections:
        np.testing.assert_array_equal(one.reflections[name], other.reflections[name], name)
    for name in ("start", "x", "y", "z", "counts", "background"):
        np.testing.assert_array_equal(getattr(one.pixels, name), getattr(other.pixels, name))
    np.testing.assert_array_equal(one.hot_pixels, other.hot_pixels)
    np.testing.assert_array_equal(one.spots_per_image, other.spots_per_image)
    assert (one.warnings, one.notes, one.peculiar) == (other.warnings, other.notes, other.peculiar)


@pytest.mark.parametrize("block", [1, 5, 64])
def test_looked_at_after_some_frames_they_are_those_of_a_sweep_of_these(sweep, searched, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    experiment = sweep.experiments()[0]
    growing = Gathering(sweep.shape, experiment.scan, PARAMS)
    for n, found in enumerate(searched, 1):
        growing.add(found)
        if n in (7, 20, N):
            alone = find_spots(first_images(experiment, n), sweep, sweep.mask, PARAMS, 1, range(n))
            assert_same(spots_of(first_images(experiment, n), growing), alone)
    assert growing.n_frames == N


def test_a_copy_goes_on_alone(sweep, searched):
    experiment = sweep.experiments()[0]
    one = gathered(sweep, searched[:10], {8, 12})
    other = one.copy()
    for found in searched[10:]:
        other.add(found)
    assert (one.n_frames, other.n_frames) == (10, N)
    assert set(one.hot_at({8, 12})) == {8}
    assert set(other.hot_at({8, 12})) == {8, 12}
    part = first_images(experiment, 10)
    assert_same(spots_of(part, one), spots_of(part, gathered(sweep, searched[:10])))
    assert_same(spots_of(experiment, other), spots_of(experiment, gathered(sweep, searched)))


def count_searches(sweep):
    read = []

    class Counted:
        n_frames, shape, mask = N, sweep.shape, sweep.mask
        min_trusted, max_trusted, path = sweep.min_trusted, sweep.max_trusted, sweep.path

        def read(self, frame):
            read.append(frame)
            return sweep.read(frame)

    return Counted(), read


@pytest.mark.parametrize("n_threads", [1, 3])
def test_what_was_begun_is_gone_on_with_where_its_frames_are_given(sweep, searched, n_threads):
    experiment, (reader, read) = sweep.experiments()[0], count_searches(sweep)
    begun = gathered(sweep, searched[:15], {9, 12, 99})
    given = dict(enumerate(searched[:18]))
    found = find_spots(
        experiment, reader, sweep.mask, PARAMS, n_threads, early=lambda key: given.get, milestones=(9, 12), begun=begun
    )
    assert sorted(read) == list(range(18, N))
    alone = find_spots(experiment, sweep, sweep.mask, PARAMS, 1, milestones=(9, 12))
    assert_same(found, alone)
    for (n, one), (m, other) in zip(found.by_milestone, alone.by_milestone, strict=True):
        assert n == m
        np.testing.assert_array_equal(one["xyz_obs_px"], other["xyz_obs_px"])
    assert begun.n_frames == 15  # and may be gone on with once more


def test_it_is_not_where_one_of_its_frames_is_another(sweep, searched):
    experiment, (reader, read) = sweep.experiments()[0], count_searches(sweep)
    wrong = [searched[3]._replace(frame=n) for n in range(15)]
    begun = gathered(sweep, wrong)
    given = dict(enumerate(searched))
    del given[4]
    found = find_spots(experiment, reader, sweep.mask, PARAMS, 2, early=lambda key: given.get, begun=begun)
    assert read == [4]
    assert_same(found, find_spots(experiment, sweep, sweep.mask, PARAMS, 1))
    reader, read = count_searches(sweep)
    assert_same(find_spots(experiment, reader, sweep.mask, PARAMS, 2, begun=begun), found)
    assert sorted(read) == list(range(N))


def test_nor_where_it_is_of_another_sweep(sweep, searched):
    scan = sweep.experiments()[0].scan
    one = gathered(sweep, searched, {9})
    assert one.fits(scan, PARAMS, {9})
    assert one.fits(scan, PARAMS, ())
    assert not one.fits(scan, PARAMS, {9, 10})
    assert not one.fits(Scan((scan.image_range[0] + 1, 99), scan.oscillation), PARAMS, ())
    assert not one.fits(Scan(scan.image_range, (scan.oscillation[0], scan.oscillation[1] * 2)), PARAMS, ())
    assert not one.fits(scan, PARAMS.model_copy(update={"min_spot_size": 4}), ())
    longer = gathered(sweep, [*searched, searched[-1]._replace(frame=N)])
    given = dict(enumerate(searched)).get
    found = find_spots(sweep.experiments()[0], sweep, sweep.mask, PARAMS, 1, early=lambda key: given, begun=longer)
    assert_same(found, spots_of(sweep.experiments()[0], gathered(sweep, searched)))


def test_of_no_frames(sweep):
    empty = gathered(sweep, [])
    assert (empty.n_frames, len(empty.spots()[0])) == (0, 0)
