"""The spots that were known after some images are those that a sweep of these images has, but for what goes on."""

from __future__ import annotations

import numpy as np
import pytest
from frames_in_memory import FramesInMemory
from simulated import simulated_frames

from autoproc.stages.find_spots import FindSpotsParams, find_spots
from autoproc.stages.integrate_stretches import first_images

N, MILESTONES = 40, (15, 16, 33)


@pytest.fixture(scope="module")
def frames():
    """A sweep with a pixel that is hot from the first frame on, and one from the 20th."""
    sweep = simulated_frames(n_images=N)
    counts = np.stack([sweep.read(n) for n in range(N)])
    counts[:, 40:42, 50] = 4000
    counts[20:, 120:122, 90] = 4000
    return sweep, counts


def found(sweep, counts, milestones):
    n = len(counts)
    part = first_images(sweep.experiments()[0], n)
    reader = FramesInMemory(counts)
    mask = sweep.mask
    return find_spots(part, reader, mask, FindSpotsParams(), 2, milestones=milestones)


def test_they_are_those_of_a_sweep_of_these_images(frames):
    sweep, counts = frames
    whole = dict(found(sweep, counts, MILESTONES).by_milestone)
    assert sorted(whole) == list(MILESTONES)
    for n in MILESTONES:
        alone = found(sweep, counts[:n], ())
        ended = alone.reflections[alone.reflections["bbox"][:, 5] < n]
        assert 50 < len(ended) < len(alone.reflections)
        assert sorted(whole[n]) == sorted(ended)
        for name in ended:
            np.testing.assert_array_equal(whole[n][name], ended[name], name)


def test_none_are_kept_without_milestones(frames):
    sweep, counts = frames
    assert found(sweep, counts, ()).by_milestone is None
    assert found(sweep, counts[:10], MILESTONES).by_milestone is None


def test_a_pixel_that_becomes_hot_later_is_not_known_to_be_before(frames):
    sweep, counts = frames
    spots = found(sweep, counts, MILESTONES).by_milestone
    width = counts.shape[2]
    hot = {n: set(pixels.tolist()) for n, pixels in spots.hot.items()}
    assert 40 * width + 50 in hot[15]
    assert 120 * width + 90 not in hot[15]
