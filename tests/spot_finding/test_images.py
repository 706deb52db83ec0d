"""What is kept of the images that were searched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.dispersion import StrongPixels
from autoproc.models.experiment import Scan
from autoproc.models.reflections import Reflections
from autoproc.spot_finding.images import SearchedFrame, SearchedImages, has_no_count

SHAPE = (6, 7)
WIDE = Scan((1, 20), (0.0, 1.0))


def strong(counts: dict[int, int], background: float = 0.0, n_strong: int | None = None) -> StrongPixels:
    """Strong pixels by their place in the flat image."""
    return StrongPixels(
        index=np.array(list(counts), np.int32),
        counts=np.array(list(counts.values()), np.int32),
        background=np.full(len(counts), background, np.float32),
        n_strong=len(counts) if n_strong is None else n_strong,
    )


def recorded(frames: list[dict[int, int]], background: float = 0.0) -> SearchedImages:
    images = SearchedImages(SHAPE)
    for n, f in enumerate(frames):
        images.add(SearchedFrame(n, strong(f, background), False))
    return images


def hot(frames: list[dict[int, int]], scan: Scan = WIDE, fraction: float = 0.5, background: float = 0.0) -> list[int]:
    return np.flatnonzero(recorded(frames, background).hot_pixels(scan, fraction)).tolist()


def test_frames_pass_on_and_are_counted():
    images = recorded([{3: 5, 9: 6}, {}, {3: 7}])
    assert images.n_strong == [2, 0, 1]
    assert (images.first, len(images)) == (0, 3)
    assert images.persistence[0, 3] == 2
    assert images.persistence.sum() == 3


def test_a_frame_with_more_strong_pixels_than_are_kept_is_refused():
    images = SearchedImages(SHAPE)
    images.add(SearchedFrame(4, strong({}, n_strong=999), False))
    images.add(SearchedFrame(5, strong({1: 3}), False))
    assert (images.refused, images.first, len(images)) == ([4], 4, 2)


def test_frames_without_a_trusted_pixel_are_told():
    lit, corner = np.full(SHAPE, -1, np.int32), np.full((20, 20), -1, np.int32)
    lit[0, 0] = corner[19, 3] = 0
    dark = np.full(SHAPE, -1, np.int32)
    assert [has_no_count(image, 0) for image in (lit, dark, corner)] == [False, True, False]
    assert not has_no_count(dark, min_trusted=-1)
    assert has_no_count(lit, min_trusted=1)
    images = SearchedImages(SHAPE)
    for n, is_unread in ((3, False), (4, True)):
        images.add(SearchedFrame(n, strong({}), is_unread))
    assert images.unread == [4]


def test_a_pixel_that_is_always_as_strong_is_hot_even_beside_another():
    steady = {10: 50, 11: 50}
    assert hot([steady] * 20) == [10, 11]
    # a standard deviation of a quarter of the mean is the most: 40 and 64 about 52 is 0.23, 36 and 68 is 0.31
    assert hot([{10: 40 + 24 * (n % 2), 11: 52} for n in range(20)]) == [10, 11]
    assert hot([{10: 36 + 32 * (n % 2), 11: 52} for n in range(20)]) == [11]


def test_what_is_steady_is_what_is_above_the_background():
    """40 and 64 above 30 are 10 and 34, which vary by more than half of their mean."""
    frames = [{10: 40 + 24 * (n % 2), 11: 52} for n in range(20)]
    assert hot(frames, background=30.0) == [11]


def test_a_pixel_alone_is_hot_however_it_varies():
    frames = [{10: 10 + 90 * (n % 2)} for n in range(20)]
    assert hot(frames) == [10]
    for n in range(5):
        frames[n] = {**frames[n], 11: 200}
    assert hot(frames) == [10]  # its neighbour on a quarter of the images
    frames[5] = {**frames[5], 17: 200}
    assert hot(frames) == [10]  # another one's images do not add to it
    for n in range(5, 7):
        frames[n] = {**frames[n], 11: 200}
    assert hot(frames) == []


@pytest.mark.parametrize("neighbour", [9, 11, 3, 17])
def test_neighbours_are_those_on_four_sides(neighbour):
    uneven = [{10: 10 + 90 * (n % 2), neighbour: 10 + 300 * (n % 3)} for n in range(20)]
    assert 10 not in hot(uneven)
    assert 10 in hot([{10: 10 + 90 * (n % 2), 2: 5, 4: 9, 16: 8, 18: 7} for n in range(20)])


def test_often_is_more_than_the_fraction_of_the_images_that_were_searched():
    assert hot([{10: 50} if n < 10 else {} for n in range(20)]) == []
    assert hot([{10: 50} if n < 11 else {} for n in range(20)]) == [10]
    images = recorded([{10: 50} if n < 10 else {} for n in range(20)])
    images.unread = [18, 19]
    assert np.flatnonzero(images.hot_pixels(WIDE, 0.5)).tolist() == [10]


def test_over_a_narrow_rotation_a_pixel_has_to_be_strong_always_and_alone():
    narrow = Scan((1, 20), (0.0, 0.1))
    assert hot([{10: 50}] * 20, narrow) == [10]
    assert hot([{10: 50}] * 19 + [{}], narrow) == []
    assert hot([{10: 50, 11: 50}] * 20, narrow) == []
    assert hot([{10: 50}] * 20, Scan((1, 20), (0.0, -0.5))) == [10]


def test_few_images_and_stills_cannot_tell():
    assert hot([{10: 50}] * 4, Scan((1, 4), (0.0, 5.0))) == []
    assert hot([{10: 50}] * 5, Scan((1, 5), (0.0, 5.0))) == [10]
    assert hot([{10: 50, 11: 50}] * 9, Scan((1, 9), (0.0, 5.0))) == []  # wide, but too few for spots that follow on
    assert hot([{10: 50}] * 20, Scan((1, 20), (0.0, 0.0))) == []


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 15))
def test_spots_are_counted_on_the_images_that_they_reach_and_on_that_of_their_centroid(seed, first):
    rng = np.random.default_rng(seed)
    images = SearchedImages(SHAPE)
    images.frames = list(range(first, first + 10))
    low = rng.integers(first, first + 8, 12)
    high = np.minimum(low + rng.integers(1, 4, 12), first + 10)
    z = rng.uniform(low, high - 1e-6)
    spots = Reflections(
        {"bbox": np.column_stack([np.zeros((12, 4), int), low, high]), "xyz_obs_px": np.column_stack([z, z, z])}
    )
    frames = range(first, first + 10)
    reach = [sum(a <= f < b for a, b in zip(low, high, strict=True)) for f in frames]
    assert images.spots_reaching_image(spots).tolist() == reach
    assert images.spots_per_image(spots).tolist() == [sum(int(v) == f for v in z) for f in frames]
