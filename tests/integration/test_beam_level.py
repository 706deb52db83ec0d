from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_frames

from autoproc.integration.beam_level import BeamLevel, FramesWithBeam


class Noise:
    """Frames of Poisson noise of given means with a few spots."""

    def __init__(self, means, shape=(120, 150), spots=20):
        self.means, self.shape, self.spots = means, shape, spots
        self.n_frames, self.mask = len(means), np.ones(shape, bool)
        self.min_trusted, self.max_trusted = 0, 1e6
        self.reads = 0

    def path(self, frame):
        return frame

    def read(self, frame):
        self.reads += 1
        rng = np.random.default_rng(frame)
        image = rng.poisson(self.means[frame], self.shape).astype(np.int32)
        image.ravel()[rng.choice(image.size, self.spots)] += 5000
        return image


def looked_at(noise, frames=None, first=0):
    level = BeamLevel.with_cap_of(noise.read(first), noise.mask)
    frames = range(noise.n_frames) if frames is None else frames
    return FramesWithBeam(noise, level, {f: level.of(noise.read(f)) for f in frames})


def test_frames_without_beam_are_found_and_untrusted():
    means = np.full(60, 0.5)
    means[:6], means[40:50] = 1e-4, 0.0
    lit = looked_at(Noise(means), first=20)
    assert lit.without_beam == {*range(6), *range(40, 50)}
    assert not lit.dimmed
    assert (lit.read(3) < 0).all()
    assert (lit.read(7) >= 0).all()
    assert "images had no beam" in lit.warning(1)
    assert "1-6, 41-50" in lit.warning(1)


def test_most_frames_may_be_without_beam():
    means = np.full(60, 0.0)
    means[40:] = 1.0
    assert looked_at(Noise(means), first=45).without_beam == set(range(40))


def test_frames_with_part_of_the_beam_are_found():
    means = np.full(60, 1.0)
    means[20], means[59] = 0.3, 0.5
    means[:5], means[5] = 0.0, 0.4
    lit = looked_at(Noise(means), first=30)
    assert lit.dimmed == {5, 20, 59}
    assert "had not the full beam" in lit.warning(1)


def test_frames_not_looked_at_before_are_judged_when_read():
    means = np.full(200, 1.0)
    means[90:110] = 0.0
    lit = looked_at(Noise(means), frames=[*range(20), *range(180, 200)])
    assert not lit.without_beam
    for frame in range(200):
        lit.read(frame)
    assert lit.without_beam == set(range(90, 110))


@pytest.mark.parametrize(
    "means",
    [
        np.linspace(1.0, 0.2, 100),  # decay of the beam
        1 + 0.5 * np.sin(np.linspace(0, 12, 100)),  # a loop seen edge on and flat
        np.full(100, 0.02),  # hardly any background
        np.full(100, 1e-4),  # too little to say anything
        np.zeros(100),  # none at all, as of thresholded images
        np.concatenate([np.full(50, 1.0), np.full(50, 0.3)]),  # an attenuator: the rest of the sweep is data
    ],
)
def test_frames_with_beam_are_kept(means):
    lit = looked_at(Noise(means), first=10)
    kept = len(means) - len(lit.without_beam) - len(lit.dimmed)
    assert kept >= len(means) - 10 if means[-1] == 0.3 else kept == len(means)
    assert not lit.without_beam


def test_images_without_reflections_or_with_few_have_beam_all_the_same():
    noise = Noise(np.full(60, 0.5))
    level = BeamLevel.with_cap_of(noise.read(0), noise.mask)
    noise.spots = 0
    lit = FramesWithBeam(noise, level, {f: level.of(noise.read(f)) for f in range(60)})
    assert not lit.without_beam | lit.dimmed
    assert lit.warning(1) == ""


def test_damaged_frames_are_not_judged():
    noise = Noise(np.full(30, 1.0))
    level = BeamLevel.with_cap_of(noise.read(0), noise.mask)
    levels = {f: level.of(noise.read(f)) for f in range(30)}
    levels[4] = level.of(np.full(noise.shape, -1, np.int32))
    assert not FramesWithBeam(noise, level, levels).without_beam


def test_simulated_sweeps_have_beam_but_where_it_was_off():
    sweep = simulated_frames(n_images=40, strength=100.0)
    factor = sweep.beam_factor.copy()
    factor[:3], factor[20:25], factor[25] = 0.0, 0.0, 0.5
    off = replace(sweep, beam_factor=factor)
    level = BeamLevel.with_cap_of(off.read(10), off.mask)
    lit = FramesWithBeam(off, level, {f: level.of(off.read(f)) for f in range(40)})
    assert lit.without_beam == {0, 1, 2, *range(20, 25)}
    assert lit.dimmed == {25}
