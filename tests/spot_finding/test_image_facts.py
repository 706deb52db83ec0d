"""Facts of drawn images."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.kernels.dispersion import StrongPixels
from autoproc.spot_finding.image_facts import image_facts, level_of

SHAPE = (400, 500)
GOOD = np.ones(SHAPE, bool)


@pytest.mark.parametrize("mean", [0.005, 0.1, 1.0, 30.0, 3000.0])
def test_level_of_a_background(mean):
    image = np.random.default_rng(1).poisson(mean, SHAPE).astype(np.int32)
    assert level_of(image, GOOD) == pytest.approx(mean, rel=0.2)


def test_level_does_not_go_with_the_spots():
    image = np.random.default_rng(1).poisson(1.0, SHAPE).astype(np.int32)
    plain = level_of(image, GOOD)
    image[np.random.default_rng(2).random(SHAPE) < 0.05] += 10_000
    assert level_of(image, GOOD) == pytest.approx(plain, rel=0.3)


def test_no_level_without_a_pixel_that_may_be_trusted():
    assert level_of(np.zeros(SHAPE, np.int32), ~GOOD) is None
    half = GOOD.copy()
    half[:, 1::2] = False
    image = np.where(half, 2, -1).astype(np.int32)
    assert level_of(image, half) == 2.0


def strong_at(places):
    """Spots of two pixels at (slow, fast)."""
    index = np.sort(np.array([y * SHAPE[1] + x + k for y, x in places for k in (0, 1)], np.int32))
    return StrongPixels(len(index), index, np.full(len(index), 50, np.int32), np.ones(len(index), np.float32))


def test_spots_and_how_far_they_reach():
    d = np.linspace(10.0, 1.0, SHAPE[1])[None].repeat(SHAPE[0], axis=0)
    places = [(20 * n + 5, 10 * n) for n in range(19)]
    facts = image_facts(7, strong_at(places), np.zeros(SHAPE, np.int32), GOOD, d, (2, 100))
    assert (facts.image, facts.n_spots) == (7, 19)
    reached = np.quantile([d[place] for place in places], 0.05)
    assert facts.d_min == pytest.approx(reached)
    few = image_facts(7, strong_at(places[:9]), np.zeros(SHAPE, np.int32), GOOD, d, (2, 100))
    assert few.d_min is None
    large = image_facts(7, strong_at(places), np.zeros(SHAPE, np.int32), GOOD, d, (1, 1))
    assert large.n_spots == 0


def test_spots_on_ice():
    places = [(20 * n + 5, 50) for n in range(12)]
    image = np.zeros(SHAPE, np.int32)
    on = image_facts(1, strong_at(places), image, GOOD, np.full(SHAPE, 3.669), (2, 100))
    off = image_facts(1, strong_at(places), image, GOOD, np.full(SHAPE, 5.0), (2, 100))
    assert (on.n_on_ice, on.n_beside) == (12, 0)
    assert (off.n_on_ice, off.n_beside) == (0, 0)
