"""What the doors of the survey's kernels let through must be safe: these were read out of bounds, or crashed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.integrate_survey import (
    FARTHEST,
    MOST_ADDED,
    MOST_BACKGROUND,
    BackgroundSum,
    Rings,
    survey_frame,
)

SHAPE = (30, 40)
IMAGE = np.random.default_rng(1).poisson(3, SHAPE).astype(np.int32)
ONES, RINGS = np.ones(SHAPE, np.uint8), np.zeros(SHAPE, np.int32)
CAP, NOTHING = np.full(SHAPE, 9, np.int32), np.empty(0, np.int32)
CENTRE, RADIUS = np.array([[20.0, 15.0]]), np.array([3.0])


def spot(peak=500):
    image = IMAGE.copy()
    image[15, 20] += peak
    return image


def test_flux_of_a_spot_stands_above_the_ring_around_it():
    out, covered = survey_frame(spot(), ONES, 1e6, CENTRE, RADIUS)
    assert out[0, 0] == pytest.approx(500, abs=60)
    assert out[0, 1] == 1
    assert 15 * SHAPE[1] + 20 in covered
    assert 0 not in covered
    assert len(set(covered.tolist())) == len(covered)


def test_a_spot_off_the_image_covers_nothing():
    _, covered = survey_frame(IMAGE, ONES, 1e6, np.array([[-500.0, 1e8]]), RADIUS)
    assert not len(covered)


@pytest.mark.parametrize("trusted", [ONES[:-1], ONES[:, :-1], ONES.ravel(), np.ones((1, *SHAPE), np.uint8)])
def test_a_mask_of_another_shape_is_refused(trusted):
    with pytest.raises(ValueError, match="of shape"):
        survey_frame(IMAGE, trusted, 1e6, CENTRE, RADIUS)
    with pytest.raises(ValueError, match="of shape"):
        Rings(RINGS, trusted, 1)
    with pytest.raises(ValueError, match="of shape"):
        BackgroundSum.of_shape(SHAPE).add([IMAGE], trusted, [NOTHING], CAP)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0 * FARTHEST])
def test_positions_that_no_pixel_has_are_refused(bad):
    with pytest.raises(ValueError, match="centre"):
        survey_frame(IMAGE, ONES, 1e6, np.array([[bad, 15.0]]), RADIUS)
    with pytest.raises(ValueError, match="radius"):
        survey_frame(IMAGE, ONES, 1e6, CENTRE, np.array([bad]))


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="radius"):
        survey_frame(IMAGE, ONES, 1e6, CENTRE, -RADIUS)


def test_spots_that_disagree_in_number_are_refused():
    with pytest.raises(ValueError, match="is of shape"):
        survey_frame(IMAGE, ONES, 1e6, CENTRE, np.ones(2))


@pytest.mark.parametrize("ring", [-1, 1, 1 << 30, -(1 << 31)])
def test_rings_that_have_no_limit_are_refused(ring):
    rings = RINGS.copy()
    rings[7, 8] = ring
    with pytest.raises(ValueError, match="of 1"):
        Rings(rings, ONES, 1)


def test_background_leaves_out_what_is_covered_bright_or_untrusted():
    rings = Rings(RINGS, ONES, 1)
    cap = rings.caps(rings.limits(spot()))
    trusted, covered = ONES.copy(), 0 * ONES
    trusted[0], covered[1] = 0, 1
    seen = BackgroundSum.of_shape(SHAPE)
    seen.add([spot()], trusted, [np.flatnonzero(covered)], cap)
    assert seen.n_frames == 1
    assert not seen.number[:2].any()
    assert seen.number[15, 20] == 0
    assert seen.n_bright[15, 20] == 1
    assert seen.number[2:].sum() >= 27 * 40


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n_rings=st.integers(1, 40), is_given=st.booleans())
def test_every_pixel_has_the_cap_of_its_ring_in_whole_counts(seed, n_rings, is_given):
    rng = np.random.default_rng(seed)
    ring, limit = rng.integers(0, n_rings, SHAPE).astype(np.int32), rng.normal(0, 100, n_rings)
    limit[0] = rng.choice([np.inf, -np.inf, 3e9, 2.0])
    own = np.full(SHAPE, 77, np.int32) if is_given else None
    cap = Rings(ring, ONES, n_rings).caps(limit, own)
    assert own is None or cap is own
    kept = {np.inf: 2**31 - 1, 3e9: 2**31 - 1, -np.inf: -(2**31)}
    expected = np.array([kept.get(value, np.floor(value)) for value in limit])
    np.testing.assert_array_equal(cap, expected[ring])


@pytest.mark.parametrize("out", [np.zeros(SHAPE), np.zeros((5, 5), np.int32), np.zeros((30, 80), np.int32)[:, ::2]])
def test_caps_are_not_put_where_they_do_not_fit(out):
    with pytest.raises(ValueError, match="out is"):
        Rings(RINGS, ONES, 1).caps(np.ones(1), out)


@pytest.mark.parametrize("n_rings", [-1, 1 << 31])
def test_a_number_of_rings_that_no_image_has_is_refused(n_rings):
    with pytest.raises(ValueError, match="the number of rings is"):
        Rings(RINGS, ONES, n_rings)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_frames=st.integers(1, 9),
    dtype=st.sampled_from([np.int16, np.int32]),
    lowest=st.sampled_from([-40000, -600, -3, 0, 2]),
    highest_cap=st.sampled_from([3, 500, 5000, 100_000]),
)
def test_sums_are_those_of_their_definition(seed, n_frames, dtype, lowest, highest_cap):
    """Counts of either type and size; more pixels than are added at a time, of which some are not trusted."""
    rng = np.random.default_rng(seed)
    shape = (7, 700)
    images = [rng.integers(-5, 2 * min(highest_cap, 16_000), shape).astype(dtype) for _ in range(n_frames)]
    images[0][0, :2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    trusted, cap = rng.integers(0, 2, shape, np.uint8), rng.integers(-2, highest_cap, shape, np.int32)
    cap[3, 5] = np.iinfo(np.int32).min
    seen = BackgroundSum.of_shape(shape)
    seen.add(images, trusted, [NOTHING] * n_frames, cap, lowest)
    frames = np.array(images, np.int64)
    counted = (frames >= lowest) & (trusted != 0)
    np.testing.assert_array_equal(seen.total, np.sum(frames * (counted & (frames <= cap)), axis=0))
    np.testing.assert_array_equal(seen.number, np.sum(counted & (frames <= cap), axis=0))
    np.testing.assert_array_equal(seen.n_bright, np.sum(counted & (frames > cap), axis=0))


def test_counts_too_high_to_be_added_up_are_no_background():
    image = np.full(SHAPE, MOST_BACKGROUND, np.int32)
    image[0, 0] += 1
    seen = BackgroundSum.of_shape(SHAPE)
    for _ in range(MOST_ADDED // 33):
        seen.add([image] * 33, np.ones(SHAPE, np.uint8), [NOTHING] * 33, np.full(SHAPE, MOST_BACKGROUND + 1))
    assert (seen.n_frames, int(seen.n_bright[0, 0]), int(seen.total[0, 0])) == (MOST_ADDED, MOST_ADDED, 0)
    assert int(seen.total[1, 1]) == MOST_ADDED * MOST_BACKGROUND
    with pytest.raises(ValueError, match="1023 frames and 1 more"):
        seen.add([image], np.ones(SHAPE, np.uint8), [NOTHING], CAP)
    with pytest.raises(ValueError, match="1023 and 1023 frames"):
        seen.include(seen)


def test_sums_of_other_types_are_refused():
    for types in ((float, np.uint16, np.uint16), (np.int32, np.int32, np.uint16), (np.int32, np.uint16, np.int32)):
        sums = BackgroundSum(*(np.zeros(SHAPE, dtype) for dtype in types), 0)
        with pytest.raises(ValueError, match="the sums are of"):
            sums.add([IMAGE], np.ones(SHAPE, np.uint8), [NOTHING], CAP)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    mean=st.sampled_from([0.0, 0.1, 4.0]),
    gain=st.sampled_from([0.5, 1.0, 3.0]),
    noise=st.sampled_from([0.0, 5.0]),
    dtype=st.sampled_from([np.int16, np.int32]),
)
def test_the_limit_of_a_ring_is_where_what_is_below_it_no_longer_changes(seed, mean, gain, noise, dtype):
    rng = np.random.default_rng(seed)
    image = (rng.poisson(mean, SHAPE) + rng.poisson(50, SHAPE) * (rng.random(SHAPE) < 0.05)).astype(dtype)
    image[0] = -1
    ring, trusted = rng.integers(0, 4, SHAPE).astype(np.int32), rng.integers(0, 2, SHAPE, np.uint8)
    ring[ring == 2] = 3  # a ring without pixels
    limits = Rings(ring, trusted, 5).limits(image, 0.0, gain, noise)
    for number, limit in enumerate(limits):
        values = image[(ring == number) & (trusted != 0) & (image >= 0)].astype(float)
        for _ in range(8):
            high = 2 * values.mean() if len(values) else 0.0
            expected = high + 4 * np.sqrt(gain * high + noise) + 2 * gain
            if np.all(values <= expected):
                break
            values = values[values <= expected]
        assert limit == pytest.approx(expected, rel=1e-12)
