from __future__ import annotations

import numpy as np
import pytest

from autoproc.kernels.dispersion import strong_pixels

GOOD = np.ones((120, 140), bool)


def readout(seed, sigma=0.6, photons=0.3):
    rng = np.random.default_rng(seed)
    return np.rint(rng.poisson(photons, GOOD.shape) + rng.normal(0, sigma, GOOD.shape)).astype(np.int32)


def test_noise_of_a_readout_is_no_spot():
    for photons in (0.0, 0.3):
        found = strong_pixels(readout(3, photons=photons), GOOD, lowest=-100, noise=0.44)
        assert found.n_strong < 5
        assert strong_pixels(readout(3, photons=photons), GOOD, lowest=-100).n_strong > found.n_strong


def test_a_spot_among_negative_counts_is_found_whole():
    image = readout(4)
    image[50:53, 60:63] += 40
    found = strong_pixels(image, GOOD, lowest=-100, noise=0.44)
    assert {y * 140 + x for y in range(50, 53) for x in range(60, 63)} <= set(found.index.tolist())
    assert abs(found.background.mean() - 0.3) < 0.3


def test_counts_below_the_least_never_count():
    image = readout(5)
    image[50:53, 60:63] += 40
    marked = image.copy()
    marked[10:20] = -101
    masked = GOOD.copy()
    masked[10:20] = False
    one = strong_pixels(marked, GOOD, lowest=-100, noise=0.44)
    other = strong_pixels(image, masked, lowest=-100, noise=0.44)
    np.testing.assert_array_equal(one.index, other.index)


@pytest.mark.parametrize("extended", [True, False])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_the_loop_of_photon_counters_finds_what_the_general_one_finds(extended, gain):
    image = readout(6, sigma=0.0, photons=1.5)
    image[50:54, 60:64] += 30
    good = GOOD.copy()
    image[20:23], good[20:23] = -1, False
    counters = strong_pixels(image, good, extended=extended, gain=gain, overload=40)
    image[20:23] = -2  # below the least of the general loop
    general = strong_pixels(image, good, extended=extended, gain=gain, overload=40, lowest=-1)
    assert counters.n_strong > 9
    for name in ("n_strong", "index", "counts", "background"):
        np.testing.assert_array_equal(getattr(counters, name), getattr(general, name))
