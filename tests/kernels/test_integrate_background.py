from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from autoproc.kernels.integrate_background import constant_background
from autoproc.kernels.integrate_shoebox import FREE, OTHER, OVERLOADED, OWN, UNTRUSTED, Shoeboxes

N = 400


def boxes_of(counts, shape=(3, 10, 10)):
    n = counts.size // np.prod(shape)
    bbox = np.tile([0, shape[2], 0, shape[1], 0, shape[0]], (n, 1))
    boxes = Shoeboxes.empty(bbox, np.zeros((n, 3)), np.tile(np.eye(2), (n, 1, 1)), np.ones(n))
    boxes.counts[:], boxes.label[:] = UNTRUSTED, FREE
    boxes.counts[:] = counts.ravel()
    return boxes


@pytest.mark.parametrize("mean", [0.05, 0.3, 1.0, 7.0, 60.0, 900.0])
def test_a_flat_background_is_unbiased_with_nearly_the_best_variance(mean):
    rng = np.random.default_rng(3)
    found = constant_background(boxes_of(rng.poisson(mean, N * 300)))
    best = mean / 300
    assert abs(found.mean.mean() - mean) < 4 * np.sqrt(best / N)
    assert found.mean.var() < 1.35 * best
    assert 0.85 < found.dispersion.mean() < 1.1


@pytest.mark.parametrize("mean", [0.3, 5.0])
def test_pixels_of_an_unpredicted_spot_hardly_matter(mean):
    rng = np.random.default_rng(4)
    counts = rng.poisson(mean, (N, 300))
    counts[:, :9] += 500
    found = constant_background(boxes_of(counts))
    assert abs(found.mean.mean() - mean) < 0.04 * mean
    assert counts.mean() > 3 * mean


def test_other_peaks_and_untrusted_pixels_are_left_out():
    boxes = boxes_of(np.full((1, 300), 4))
    boxes.counts[:50] = 1000
    boxes.label[:50] = OTHER
    boxes.counts[50:60] = UNTRUSTED
    found = constant_background(boxes)
    assert found.mean[0] == pytest.approx(4.0, rel=0.02)
    assert found.n_used[0] == 240
    assert found.n_pixels[0] == 250


def test_too_few_pixels_are_no_background():
    boxes = boxes_of(np.full((1, 300), 4))
    boxes.label[5:] = OTHER
    assert constant_background(boxes, min_pixels=10).is_known.tolist() == [False]


@pytest.mark.parametrize("mean", [0.0, 0.3, 4.0])
def test_negative_counts_of_a_readout_give_an_unbiased_mean(mean):
    rng = np.random.default_rng(1)
    counts = np.rint(rng.poisson(mean, (400, 300)) + rng.normal(0, 0.8, (400, 300))).astype(int)
    counts[:, :3] += 500  # a neighbour that nobody predicted
    found = constant_background(boxes_of(counts), noise=0.72)
    assert np.mean(found.mean) == pytest.approx(mean, abs=0.015 + 0.002 * mean)
    assert np.median(found.dispersion) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("gain", [2, 5])
@pytest.mark.parametrize("photons", [0.1, 0.3, 4.0, 60.0])
def test_a_gain_gives_an_unbiased_mean_and_a_dispersion_of_one(gain, photons):
    rng = np.random.default_rng(1)
    counts = gain * rng.poisson(photons, (400, 300))
    counts[:, :3] += 500 * gain
    found = constant_background(boxes_of(counts), gain=gain)
    assert np.mean(found.mean) == pytest.approx(photons * gain, rel=0.015)
    assert np.mean(found.dispersion) == pytest.approx(1.0, abs=0.1)


def test_a_mean_below_zero_is_known():
    found = constant_background(boxes_of(np.full((1, 300), -1)), noise=0.5)
    assert found.is_known.all()
    assert found.mean[0] == -1


def test_no_counts_at_all_are_a_background_of_zero():
    assert constant_background(boxes_of(np.zeros(300, int))).mean[0] == 0


@pytest.mark.parametrize("mean", [0.3, 1.7, 12.0, 155.0, 165.0, 250.0])
def test_the_mean_solves_hubers_equation_for_poisson_counts(mean):
    """The clipped residuals of the counts have the mean that Poisson's law says (Cantoni & Ronchetti 2001)."""
    counts = np.random.default_rng(7).poisson(mean, (5, 300))
    for values, mu in zip(counts, constant_background(boxes_of(counts)).mean, strict=True):
        k = np.arange(int(mu + 12 * np.sqrt(mu) + 20))
        expected = poisson(mu).pmf(k) @ np.clip((k - mu) / np.sqrt(mu), -1.345, 1.345)
        assert np.clip((values - mu) / np.sqrt(mu), -1.345, 1.345).mean() == pytest.approx(expected, abs=2e-4)


def test_the_dispersion_is_the_variance_of_what_is_no_outlier_over_the_mean():
    counts = np.random.default_rng(8).poisson(6.0, (4, 300))
    counts[:, 0] = 40
    found = constant_background(boxes_of(counts))
    for values, mu, dispersion in zip(counts, found.mean, found.dispersion, strict=True):
        kept = values[values <= mu + 3 * np.sqrt(mu) + 1]
        assert dispersion == pytest.approx(np.mean((kept - mu) ** 2) / mu, rel=1e-6)


@pytest.mark.parametrize("mean", [0.2, 3.0, 100.0, 159.0, 162.0])
@pytest.mark.parametrize("outlier", [251, 252, 255, 256, 100_000])
def test_how_bright_an_outlier_is_makes_no_difference(mean, outlier):
    counts = np.random.default_rng(7).poisson(mean, (40, 300))
    counts[:, 5] = 254 if mean < 100 else 253
    usual = constant_background(boxes_of(counts))
    counts[:, 5] = outlier
    found = constant_background(boxes_of(counts))
    np.testing.assert_allclose(found.mean, usual.mean, rtol=2e-4)
    np.testing.assert_allclose(found.dispersion, usual.dispersion, rtol=2e-3)


@pytest.mark.parametrize("mean", [0.1, 2.0, 40.0])
def test_one_negative_count_is_an_outlier_like_another(mean):
    counts = np.random.default_rng(8).poisson(mean, (40, 300))
    counts[:, 5] = 0
    usual = constant_background(boxes_of(counts))
    counts[:, 5] = -1
    found = constant_background(boxes_of(counts))
    np.testing.assert_allclose(found.mean, usual.mean, atol=0.02 + 0.002 * mean)
    np.testing.assert_allclose(found.n_used, 300)


KINDS = (0, 1, 2, 3, 4, 251, 252, 253, 254, 255, 256, 70_000, -1, -300, UNTRUSTED, OVERLOADED)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 3, 5), (1, 8, 8), (3, 9, 13), (5, 30, 33)]), st.integers(0, 16))
def test_every_pixel_counts_once_wherever_it_is(seed, shape, n_kinds):
    """Of counts of few kinds or many, in peaks and not: the means are those of the pixels in any order."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    counts = np.where(rng.random(size) < 0.9, rng.integers(0, 4, size), rng.choice(KINDS[: n_kinds + 1], size))
    label = rng.choice([FREE, FREE, FREE, OWN, OTHER], size)
    boxes = boxes_of(np.stack([counts] * 2), shape)
    order = rng.permutation(size)
    boxes.label[:] = np.concatenate([label, label[order]])
    boxes.counts[size:] = counts[order]
    found = constant_background(boxes, min_pixels=1)
    free = counts[label == FREE]
    trusted = free[free > OVERLOADED]
    assert found.n_pixels.tolist() == [len(free)] * 2
    assert found.n_used.tolist() == [len(trusted)] * 2
    np.testing.assert_allclose(found.mean[1], found.mean[0], rtol=1e-9)
    np.testing.assert_allclose(found.dispersion[1], found.dispersion[0], rtol=1e-9)
    alone = boxes_of(trusted[None], (1, 1, len(trusted))) if len(trusted) else boxes.part(0, 1)
    np.testing.assert_allclose(constant_background(alone, min_pixels=1).mean[0], found.mean[0], rtol=1e-9)


def test_a_large_box_of_one_count_has_it_everywhere():
    found = constant_background(boxes_of(np.full((1, 20_000), 1), (2, 100, 100)))
    assert found.n_used[0] == found.n_pixels[0] == 20_000
    small = constant_background(boxes_of(np.full((1, 200), 1), (2, 10, 10)))
    assert found.mean[0] == pytest.approx(small.mean[0], rel=1e-9)
