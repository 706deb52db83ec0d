"""A block of shoeboxes: how it is cut up, what teaches profiles, what is expected of weak reflections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr

from autoproc.integration import blocks
from autoproc.integration.blocks import (
    SHELL,
    Measuring,
    block_equations,
    block_measurements,
    chunks,
    first_look,
    mean_intensities,
)
from autoproc.integration.passes import _windows
from autoproc.integration.profiles import gaussian_coefficients, solve_profiles
from autoproc.kernels.integrate_fit import Measurements
from autoproc.kernels.integrate_shoebox import OWN, Shoeboxes

HOW = Measuring(radius=3.0, gain=1.0, n_images=20, missing_error=0.1, min_pixels=10, n_threads=1)


@given(st.integers(0, 3000))
def test_chunks_divide_the_rows(n):
    parts = chunks(n)
    assert [row for first, last in parts for row in range(first, last)] == list(range(n))
    assert all(0 < last - first <= blocks.CHUNK for first, last in parts)


def spots(n: int = 12, flux: float = 3000.0, level: float = 2.0, seed: int = 0, width: float = 1.5) -> Shoeboxes:
    """Gaussian spots of `width` px and 0.5 frame, each in a box of its own."""
    rng = np.random.default_rng(seed)
    centre = np.array([10.0, 10.0, 10.0]) + rng.uniform(-0.5, 0.5, (n, 3))
    bbox = np.tile([0, 20, 0, 20, 8, 12], (n, 1))
    boxes = Shoeboxes.empty(bbox, centre, np.tile(np.eye(2) / width, (n, 1, 1)), np.full(n, 2.0))
    for i, (cx, cy, cz) in enumerate(centre):
        x, y, z = ((np.diff(ndtr((np.arange(a, b + 1) - c) / s))) for a, b, c, s in
                   ((0, 20, cx, width), (0, 20, cy, width), (8, 12, cz, 0.5)))  # fmt: skip
        expected = flux * z[:, None, None] * y[None, :, None] * x[None, None, :] + level
        part = slice(boxes.start[i], boxes.start[i + 1])
        boxes.counts[part] = rng.poisson(expected).ravel()
        zz, yy, xx = np.meshgrid(np.arange(8, 12) + 0.5, np.arange(20) + 0.5, np.arange(20) + 0.5, indexing="ij")
        near = (xx - cx) ** 2 + (yy - cy) ** 2 < (3 * width) ** 2
        boxes.label[part] = np.where(near & (np.abs(zz - cz) < 2.5), OWN, 0).ravel()
    return boxes


def test_known_spots_are_measured_whatever_the_chunks(monkeypatch):
    boxes = spots()
    background, whole = first_look(boxes, HOW)
    assert_allclose(background.mean, 2.0, rtol=0.1)
    assert_allclose(whole.intensity_sum, 3000, atol=5 * np.sqrt(3000 + 2.0 * 250))
    gaussian, unknown = (gaussian_coefficients()[None], np.zeros(len(boxes), int)), np.full(len(boxes), -1.0)
    fitted = block_measurements(boxes, background, *gaussian, unknown, HOW)
    assert_allclose(fitted.intensity_prf, 3000, atol=5 * np.sqrt(3000 + 2.0 * 250))
    monkeypatch.setattr(blocks, "CHUNK", 5)
    threaded = replace(HOW, n_threads=3)
    apart, sums = first_look(boxes, threaded)
    for name in ("mean", "dispersion", "n_used", "n_pixels"):
        assert_array_equal(getattr(apart, name), getattr(background, name))
    assert_array_equal(sums.table, whole.table)
    assert_array_equal(block_measurements(boxes, apart, *gaussian, unknown, threaded).table, fitted.table)


def test_the_first_look_sums_as_the_fit_does():
    boxes = spots()
    background, sums = first_look(boxes, HOW)
    nothing = np.zeros(len(boxes), int)
    fitted = block_measurements(boxes, background, gaussian_coefficients()[None], nothing, nothing - 1.0, HOW)
    of_fit = [2, 3, 10]
    assert_array_equal(np.delete(sums.table, of_fit, axis=1), np.delete(fitted.table, of_fit, axis=1))
    assert_array_equal(sums.table[:, of_fit], [[0, -1, 0]] * len(boxes))


def test_each_shoebox_is_fitted_with_its_own_profile():
    boxes = spots(width=2.0)
    boxes = Shoeboxes(boxes.bbox, boxes.centre, boxes.transform * 2 / 1.5, boxes.rate, boxes.start, boxes.counts,
                      boxes.label)  # fmt: skip
    background, first = first_look(boxes, HOW)
    quiet = np.zeros(len(boxes))
    equations, _ = block_equations(boxes, background, first, quiet + 1, quiet, quiet.astype(int), 1, HOW)
    learnt = solve_profiles(equations, 1)[0]
    profiles = np.stack([gaussian_coefficients(), learnt])
    which = np.arange(len(boxes)) % 2
    fitted = block_measurements(boxes, background, profiles, which, quiet - 1, HOW)
    plain, better = fitted.correlation[which == 0], fitted.correlation[which == 1]
    assert_allclose(fitted.intensity_sum[which == 0], first.intensity_sum[which == 0])
    assert better.min() > plain.max()


def test_only_strong_whole_spots_of_their_own_teach():
    boxes = spots(n=10)
    background, first = first_look(boxes, HOW)
    known = np.ones(10)
    table = first.table.copy()
    table[:, 4:7] = 1.0
    table[1, 0] = 9.9 * np.sqrt(table[1, 1])  # weak
    table[2, 6] = 0.97  # partial
    table[3, 5] = 0.97  # on bad pixels
    table[4, 9] = 1  # overloaded
    zeta = known.copy()
    zeta[5], contested = -0.19, np.zeros(10)
    contested[6] = 1
    table[7, 1] = -1.0  # not summed
    mean = background.mean.copy()
    mean[8] = np.nan
    table[9, 0], table[9, 5], table[9, 6], zeta[9] = (
        10.5 * np.sqrt(table[9, 1]),
        0.985,
        0.985,
        -0.21,
    )  # just good enough
    region = np.zeros(10, int)
    equations, teaches = block_equations(
        boxes, replace(background, mean=mean), Measurements(table), zeta, contested, region, 2, HOW
    )
    assert teaches.tolist() == [True] + [False] * 8 + [True]
    assert equations.n_spots.tolist() == [2, 0]
    assert not equations.normal[1].any()
    assert equations.normal[0].any()


def measured(n: int, intensity: np.ndarray) -> Measurements:
    table = np.zeros((n, 17))
    table[:, 0], table[:, 1], table[:, 5], table[:, 6] = intensity, 1.0, 1.0, 1.0
    return Measurements(table)


def test_a_reflection_is_expected_to_have_the_mean_of_its_resolution():
    s2 = np.linspace(0.01, 0.25, 1000)
    d, truth = s2**-0.5, 500 - 1500 * s2
    found = mean_intensities(measured(1000, truth), d)
    assert_allclose(found[50:950], truth[50:950])
    assert_allclose(found[[0, -1]], [truth[:100].mean(), truth[-100:].mean()])
    halves = measured(1000, 0.5 * truth)
    halves.table[:, 6] = 0.5
    assert_allclose(mean_intensities(halves, d), found)
    slivers = measured(1000, 0.25 * truth)
    slivers.table[:, 6] = np.where(np.arange(1000) % 2, 0.25, 0.15)  # what is hardly there tells nothing
    assert_allclose(mean_intensities(slivers, d)[100:900], truth[100:900], rtol=1e-2)


def test_means_are_never_negative_and_unknown_where_few_are_known():
    d = np.linspace(2, 8, SHELL)
    assert_allclose(mean_intensities(measured(SHELL, np.full(SHELL, -5.0)), d), 0)
    few = measured(SHELL, np.full(SHELL, 100.0))
    assert_allclose(mean_intensities(few, d), 100)
    for column, value in ((1, -1.0), (5, 0.5), (6, 0.2)):
        spoilt = Measurements(few.table.copy())
        spoilt.table[0, column] = value
        assert_allclose(mean_intensities(spoilt, d), -1)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 9])
def test_every_block_comes_once_with_its_neighbours_as_soon_as_they_are_there(n):
    taken: list[int] = []

    def items():
        for item in range(n):
            taken.append(item)
            yield item

    seen = []
    for window, current in _windows(items()):
        assert window == [i for i in (current - 1, current, current + 1) if 0 <= i < n]
        assert len(taken) == min(current + 2, n)
        seen.append(current)
    assert seen == list(range(n))
