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
@pytest.mark.parametrize("n_sigma_background", [0.3, 6.0])
@pytest.mark.parametrize("photons", [0.02, 0.2, 1.5, 9.0])
@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_the_loop_of_photon_counters_finds_what_the_general_one_finds(
    dtype, photons, n_sigma_background, extended, gain
):
    """It leaves out what no count could make a spot, which the other does not."""
    image = readout(6, sigma=0.0, photons=photons).astype(dtype)
    for x in range(2, 140, 17):  # faint ones, at any place of the columns that are looked at together
        image[70, x : x + 2] += np.array([3, 4], dtype)
    image[50:54, 60:64] += 30
    good = GOOD.copy()
    image[20:23], good[20:23] = -1, False
    limits = {"extended": extended, "gain": gain, "overload": 40, "n_sigma_background": n_sigma_background}
    counters = strong_pixels(image, good, **limits, max_strong=image.size)
    image[20:23] = -2  # below the least of the general loop
    general = strong_pixels(image, good, **limits, max_strong=image.size, lowest=-1)
    assert counters.n_strong > 9
    for name in ("n_strong", "index", "counts", "background"):
        np.testing.assert_array_equal(getattr(counters, name), getattr(general, name))
