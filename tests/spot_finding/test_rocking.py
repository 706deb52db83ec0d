"""The rocking width of simulated and drawn spots comes out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from simulated import simulated_frames

from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.spot_finding.pixels import SpotPixels
from autoproc.spot_finding.rocking import expected_variance, rocking_width
from autoproc.stages.find_spots import find_spots
from autoproc.stages.probe_sweep import mosaicity


def drawn_spots(sigma, n=600, height=1000.0, level=20.0, width=0.5, seed=1):
    """Gaussians with pixels above a level only: in rotation of `sigma` degrees, on images of `width`."""
    rng = np.random.default_rng(seed)
    speed = rng.uniform(0.3, 1.0, n)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(-6, 7), np.arange(-6, 7)))
    columns, size = [], []
    for rate in speed:
        frames = np.arange(-40, 41)
        s, u = sigma / rate / width, rng.random()
        part = ndtr((frames + 1 - u) / s) - ndtr((frames - u) / s)
        counts = height * part[:, None] * np.exp(-(x**2 + y**2) / (2 * 1.5**2))
        frame, pixel = np.nonzero(counts > level)
        size.append(len(frame))
        columns.append((x[pixel], y[pixel], frames[frame], counts[frame, pixel]))
    some = np.flatnonzero(size)
    x, y, z, counts = (np.concatenate([columns[i][k] for i in some]) for k in range(4))
    start = np.concatenate([[0], np.cumsum(np.array(size)[some])])
    return SpotPixels(start, x, y, z, np.rint(counts), np.zeros(len(x), np.float32)), speed[some]


@pytest.mark.parametrize("sigma", [0.04, 0.1, 0.3, 0.8])
def test_drawn_spots(sigma):
    pixels, speed = drawn_spots(sigma, height=1e4 * max(sigma, 0.1))
    assert rocking_width(pixels, speed, 0.5) == pytest.approx(sigma, rel=0.06)


def test_spots_on_one_image_each_tell_nothing():
    pixels, speed = drawn_spots(0.0001)
    assert rocking_width(pixels, speed, 0.5) is None


def test_faint_spots_tell_nothing():
    pixels, speed = drawn_spots(0.1, level=150.0)
    assert rocking_width(pixels, speed, 0.5) is None
    assert rocking_width(pixels[np.arange(10)], speed[:10], 0.5) is None
    assert rocking_width(pixels[np.arange(0)], speed[:0], 0.5) is None


def test_variance_of_broad_spots_is_sheppards():
    assert expected_variance(3.0, 0.0) == pytest.approx(9.0 + 1 / 12, rel=1e-3)
    assert expected_variance(3.0, 0.1) < 0.9 * 9.0


@pytest.mark.parametrize(("width", "sigma"), [(1.0, 0.05), (1.0, 0.2), (0.5, 0.1), (0.25, 0.5)])
def test_simulated_images(width, sigma):
    sweep = simulated_frames(
        width=width, mosaicity=sigma, n_images=round(15 / width), strength=4000 * max(1, sigma * 7)
    )
    experiment = sweep.experiments()[0] if callable(sweep.experiments) else sweep.experiments[0]
    found = find_spots(experiment, sweep, sweep.mask, FindSpotsParams(), 1)
    spots = map_to_reciprocal_space(experiment, found.reflections)
    assert mosaicity(experiment, spots, found.pixels) == pytest.approx(sigma, rel=0.16)
