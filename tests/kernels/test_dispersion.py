from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.dispersion import Workspace, strong_pixels


def window(image, j, i, ky, kx):
    return np.s_[max(j - ky, 0) : j + ky + 1, max(i - kx, 0) : i + kx + 1]


def is_dispersed(image, good, j, i, size, gain, n_sigma):
    here = window(image, j, i, size[1], size[0])
    values = image[here][good[here]].astype(float)
    if not good[j, i] or len(values) < 2 or values.mean() == 0:
        return False
    limit = gain * (1 + n_sigma * np.sqrt(2 / (len(values) - 1)))
    return values.var(ddof=1) / values.mean() > limit * (1 + 1e-12)


def by_definition(image, good, size=(3, 3), gain=1.0, n_sigma_b=6.0, n_sigma_s=3.0, extended=True):
    """Strong pixels straight from the definition, a pixel at a time."""
    good = good & (image >= 0)
    cells = list(np.ndindex(image.shape))
    dispersed = np.zeros(image.shape, bool)
    for j, i in cells:
        dispersed[j, i] = is_dispersed(image, good, j, i, size, gain, n_sigma_b)
    peak = dispersed.copy()
    if extended:
        radius = min(size) - 1
        for j, i in cells:
            peak[j, i] = dispersed[window(image, j, i, radius, radius)].all()
    background = good & ~peak if extended else good
    extra = 2 if extended else 0
    strong = np.zeros(image.shape, bool)
    for j, i in cells:
        here = window(image, j, i, size[1] + extra, size[0] + extra)
        values = image[here][background[here]]
        mean = values.mean() if len(values) >= 2 else 0.0
        level = mean + n_sigma_s * np.sqrt(gain * mean)
        strong[j, i] = peak[j, i] and image[j, i] > 0 and image[j, i] >= level - 1e-9
    return strong


def image_with_spots(seed, shape=(40, 47), background=2.0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    expected = np.full(shape, background)
    for _ in range(5):
        x0, y0, width = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(0.7, 2.5)
        expected += rng.uniform(5, 100) * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * width**2))
    return rng.poisson(expected).astype(np.int32)


def as_image(found, shape):
    strong = np.zeros(shape, bool)
    strong.ravel()[found.index] = True
    return strong


@given(
    seed=st.integers(0, 2**32 - 1),
    extended=st.booleans(),
    masked=st.floats(0, 0.3),
    background=st.sampled_from([0.02, 0.5, 10.0]),
    size=st.sampled_from([(3, 3), (2, 3), (4, 2), (1, 1)]),
    shape=st.sampled_from([(26, 31), (9, 150), (8, 64)]),
    dtype=st.sampled_from([np.int16, np.int32]),
)
@settings(max_examples=25, deadline=None)
def test_strong_pixels_are_those_of_the_definition(seed, extended, masked, background, size, shape, dtype):
    image = image_with_spots(seed, shape=shape, background=background).astype(dtype)
    good = np.random.default_rng(seed).random(image.shape) >= masked
    found = strong_pixels(image, good, kernel_size=size, extended=extended, max_strong=image.size)
    expected = by_definition(image, good, size=size, extended=extended)
    np.testing.assert_array_equal(as_image(found, image.shape), expected)
    assert found.n_strong == expected.sum()


@given(seed=st.integers(0, 2**32 - 1), n_sigma_b=st.sampled_from([-2.0, -1.0, -0.5]), extended=st.booleans())
@settings(max_examples=12)
def test_thresholds_below_zero_are_those_of_the_definition(seed, n_sigma_b, extended):
    """The limit is convex in the number of pixels then, and the line through its ends lies above it."""
    random = np.random.default_rng(seed)
    image = random.poisson(10.0, (20, 23)).astype(np.int32)
    good = random.random(image.shape) >= 0.4
    limits = {"n_sigma_background": n_sigma_b, "n_sigma_strong": -3.0, "max_strong": image.size}
    found = strong_pixels(image, good, extended=extended, **limits)
    expected = by_definition(image, good, n_sigma_b=n_sigma_b, n_sigma_s=-3.0, extended=extended)
    np.testing.assert_array_equal(as_image(found, image.shape), expected)


def test_pure_poisson_noise_has_hardly_any_strong_pixel():
    image = np.random.default_rng(3).poisson(5.0, (500, 500)).astype(np.int32)
    assert strong_pixels(image, np.ones(image.shape, bool)).n_strong <= 3


def test_gain_scales_counts_and_variance():
    image = image_with_spots(4)
    good = np.ones(image.shape, bool)
    one, five = strong_pixels(image, good), strong_pixels(5 * image, good, gain=5.0)
    np.testing.assert_array_equal(one.index, five.index)


def test_masked_and_negative_pixels_are_as_if_they_were_not_there():
    image = image_with_spots(5)
    good = np.ones(image.shape, bool)
    good[10:20, 5:30] = False
    with_junk = np.where(good, image, 10**6).astype(np.int32)
    negative = np.where(good, image, -2).astype(np.int32)
    expected = strong_pixels(np.where(good, image, 0).astype(np.int32), good)
    for found in (strong_pixels(with_junk, good), strong_pixels(negative, np.ones(image.shape, bool))):
        np.testing.assert_array_equal(found.index, expected.index)
        np.testing.assert_array_equal(found.background, expected.background)
    assert not np.any(as_image(expected, image.shape) & ~good)


def test_background_is_that_around_the_peak():
    image = np.full((50, 50), 4, np.int32)
    image[24:27, 24:27] = 200
    found = strong_pixels(image, np.ones(image.shape, bool))
    np.testing.assert_array_equal(found.index, [j * 50 + i for j in (24, 25, 26) for i in (24, 25, 26)])
    np.testing.assert_array_equal(found.counts, 200)
    np.testing.assert_allclose(found.background, 4.0)


def test_overloads_are_strong_and_not_background():
    image = np.full((40, 40), 3, np.int32)
    image[20, 20:23] = 1000
    found = strong_pixels(image, np.ones(image.shape, bool), overload=1000)
    np.testing.assert_array_equal(found.index, 20 * 40 + np.arange(20, 23))
    np.testing.assert_allclose(found.background, 3.0)
    assert strong_pixels(image, image < 1000, overload=1000).n_strong == 0


def test_the_largest_counts_do_not_overflow():
    image = np.full((90, 90), 1, np.int32)
    image[40:47, 40:47] = np.iinfo(np.int32).max
    found = strong_pixels(image, np.ones(image.shape, bool), kernel_size=(10, 10))
    assert found.n_strong == 49


def test_too_many_strong_pixels_are_counted_but_not_returned():
    image = image_with_spots(6)
    n = strong_pixels(image, np.ones(image.shape, bool)).n_strong
    refused = strong_pixels(image, np.ones(image.shape, bool), max_strong=n - 1)
    assert (refused.n_strong, len(refused.index)) == (n, 0)


def spots_far_apart():
    """Between them there is nothing, above and below them likewise."""
    image = np.zeros((90, 300), np.int32)
    for row, column in ((2, 61), (3, 190), (40, 62), (41, 128), (41, 255), (85, 0), (86, 296)):
        image[row : row + 3, column : column + 3] = [[3, 5, 4], [6, 9, 7], [3, 8, 2]]
    return image


@pytest.mark.parametrize("extended", [False, True])
def test_a_spot_is_found_wherever_it_is(extended):
    image = spots_far_apart()
    found = as_image(strong_pixels(image, np.ones(image.shape, bool), extended=extended), image.shape)
    np.testing.assert_array_equal(found, by_definition(image, np.ones(image.shape, bool), extended=extended))
    assert found.sum() > 20


def test_a_workspace_sees_each_image_and_mask_by_itself():
    work, image = Workspace(), spots_far_apart()
    for good in (np.ones(image.shape, bool), image != 9, np.ones(image.shape, bool)):
        good.flags.writeable = False
        for counts in (image, image[::-1].copy(), image[:, ::-1].astype(np.int16)):
            again, alone = strong_pixels(counts, good, work=work), strong_pixels(counts, good)
            np.testing.assert_array_equal(again.index, alone.index)
            np.testing.assert_array_equal(again.background, alone.background)


def test_a_mask_that_is_written_to_between_two_images_counts_as_it_is():
    work, image = Workspace(), spots_far_apart()
    good = np.ones(image.shape, bool)
    n = strong_pixels(image, good, work=work).n_strong
    good[:50] = False
    assert 0 < strong_pixels(image, good, work=work).n_strong < n


@pytest.mark.parametrize("lowest", [0, -40000])
def test_overloads_that_no_count_of_16_bits_reaches_or_that_all_do(lowest):
    image, good = np.full((5, 70), -32768, np.int16), np.ones((5, 70), bool)
    assert strong_pixels(image, good, lowest=lowest, overload=32768, max_strong=image.size).n_strong == 0
    n = strong_pixels(image, good, lowest=lowest, overload=-32768, max_strong=image.size).n_strong
    assert n == (0 if lowest == 0 else image.size)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (1, 30), (30, 1), (2, 5)])
def test_images_smaller_than_the_window(shape):
    image = np.zeros(shape, np.int32)
    assert strong_pixels(image, np.ones(shape, bool)).n_strong == 0


def test_wrong_arguments_are_refused():
    image = np.zeros((10, 12), np.int32)
    with pytest.raises(ValueError, match="mask is of shape"):
        strong_pixels(image, np.ones((12, 10), bool))
    with pytest.raises(ValueError, match="kernel_size"):
        strong_pixels(image, np.ones((10, 12), bool), kernel_size=(0, 3))
