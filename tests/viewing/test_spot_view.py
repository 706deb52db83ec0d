"""The maps say by definition what the windows hold; what is strong, the stage's own search says."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulated_frames

from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Scan
from autoproc.stages.find_spots import FindSpotsParams, StrongPixelSearch
from autoproc.viewing.spot_view import MAPS, SpotSearchView, searched, spot_pyramid, threshold, windows


def noise(seed=1, shape=(300, 40)):
    rng = np.random.default_rng(seed)
    return rng.poisson(3.0, shape).astype(np.int32), rng.random(shape) > 0.2


def an_image(params=None, shape=(300, 40)):
    counts, good = noise(shape=shape)
    counts[250:253, 20:23] = 60
    return SpotSearchView(counts, good, 1.0, 0, 1e6, params or FindSpotsParams())


@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 3), (2, 5)])
def test_windows_hold_what_is_around(kernel_size):
    counts, good = noise()
    there = windows(counts, good, kernel_size)
    kx, ky = kernel_size
    for y, x in ((0, 0), (17, 5), (255, 39), (256, 20), (299, 39)):
        around = np.s_[max(y - ky, 0) : y + ky + 1, max(x - kx, 0) : x + kx + 1]
        values = counts[around][good[around]]
        if len(values) < 2:
            continue
        assert there.n[y, x] == len(values)
        assert there.mean[y, x] == pytest.approx(values.mean(), rel=1e-5)
        assert there.variance[y, x] == pytest.approx(values.var(ddof=1), rel=1e-4)


@pytest.mark.parametrize("kind", ["mean", "variance", "dispersion"])
def test_bands_of_rows_leave_no_seam(kind):
    image = an_image()
    there = windows(image.counts, image.good, image.params.kernel_size)
    np.testing.assert_allclose(MAPS[kind](image), getattr(there, kind), rtol=1e-4, atol=1e-4)


def test_strong_pixels_are_those_of_the_stage():
    frames = simulated_frames()
    params = FindSpotsParams(n_sigma_strong=4.0)
    panel = frames.panel
    experiment = Experiment(Beam(1.0), Detector((panel,)), Goniometer(), Scan((1, 60), (0.0, 0.5)))
    image = searched(experiment, frames.read(3), frames.mask, params)
    search = StrongPixelSearch(frames, frames.mask, panel.gain, panel.min_trusted, panel.trusted_range[1], params)
    expected = search(3).strong.index
    assert len(expected)
    np.testing.assert_array_equal(np.flatnonzero(threshold(image)), expected)


def test_a_spot_is_dispersed_and_above_and_its_surroundings_are_not():
    image = an_image(FindSpotsParams(algorithm="dispersion"))
    for kind in ("dispersed", "above", "threshold"):
        shown = MAPS[kind](image)
        assert shown[251, 21] == 1 or not image.good[251, 21]
        assert shown.mean() < 0.05


@pytest.mark.parametrize("kind", MAPS)
def test_pixels_that_are_not_searched_have_no_value(kind):
    image = an_image()
    codes = spot_pyramid(image, kind).levels[0]
    assert not codes[~image.good].any()
    assert codes[image.good].all()


def test_both_maps_know_of_the_readouts_noise_as_the_search_does():
    """A detector that counts with a noise of 5 about nothing: by the plain method what is strong is what both show."""
    rng = np.random.default_rng(3)
    counts = np.rint(rng.normal(0.0, 5.0, (300, 120)) + rng.poisson(0.5, (300, 120))).astype(np.int32)
    counts[100:103, 50:53] = 90
    good = np.ones(counts.shape, bool)
    params = FindSpotsParams(algorithm="dispersion")
    image = SpotSearchView(counts, good, 1.0, -1000, 1e6, params)
    assert image.noise == pytest.approx(25.0, rel=0.15), "pixels with a photon make it a little low"
    dispersed, above = (MAPS[kind](image) > 0 for kind in ("dispersed", "above"))
    assert dispersed[101, 51]
    assert above[100:103, 50:53].all()
    assert np.mean(dispersed[150:]) < 0.01
    assert np.mean(above[150:]) < 0.01
    found = threshold(image) > 0
    np.testing.assert_array_equal(found, dispersed & above)
