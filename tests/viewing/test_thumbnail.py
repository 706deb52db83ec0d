"""Small pictures of images lose no spot, and are PNG files that others read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autoproc.viewing.thumbnail import SIZE, grey_png, max_pooled, thumbnail


@given(shape=st.tuples(st.integers(1, 90), st.integers(1, 90)), size=st.integers(1, 40), seed=st.integers(0, 99))
def test_every_pixel_is_at_most_its_block(shape, size, seed):
    values = np.random.default_rng(seed).integers(-1, 1000, shape)
    pooled = max_pooled(values, size)
    step = -(-max(shape) // size) if max(shape) > size else 1
    assert max(pooled.shape) <= size
    rows, columns = np.indices(shape) // step
    assert (values <= pooled[rows, columns]).all()
    assert pooled.max() == values.max()


def read(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@given(shape=st.tuples(st.integers(1, 20), st.integers(1, 20)), seed=st.integers(0, 99))
def test_a_png_is_read_by_others_as_it_was(shape, seed):
    grey = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(read(grey_png(grey)), grey)


def test_a_spot_of_one_pixel_is_dark():
    counts = np.random.default_rng(1).poisson(2.0, (1000, 900))
    counts[512, 333] = 5000
    picture = read(thumbnail(counts, np.ones(counts.shape, bool)))
    assert max(picture.shape) <= SIZE
    step = -(-1000 // SIZE)
    assert picture[512 // step, 333 // step] == 0
    assert np.median(picture) > 100


@pytest.mark.parametrize("counts", [np.zeros((50, 50)), np.full((50, 50), 7), np.full((50, 50), 2**31 - 1)])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_images_without_anything_have_a_picture(counts, is_trusted):
    picture = read(thumbnail(counts.astype(np.int32), np.full(counts.shape, is_trusted)))
    assert picture.shape == (50, 50)


def test_pixels_that_are_not_trusted_are_white():
    counts = np.full((20, 20), 10)
    trusted = np.ones((20, 20), bool)
    trusted[:5] = False
    counts[:5] = 10**6
    counts[15, 15] = 1000
    picture = read(thumbnail(counts, trusted))
    assert (picture[:5] == 255).all()
    assert picture[15, 15] == 0
