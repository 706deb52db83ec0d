"""A first look at the images: spots and background, against loops over pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from autoproc.integration.beam_level import BeamLevel
from autoproc.integration.survey import SpotPlaces, SpotSums, survey
from autoproc.kernels.integrate_survey import BackgroundSum, Rings, survey_frame

SHAPE = (24, 30)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
TRUSTED = np.ones(SHAPE, np.uint8)


def by_loops(image, trusted, overload, centre, radius, lowest=0.0, noise=0.0):
    """What survey_frame documents, pixel by pixel of the whole frame."""
    results, covered = [], np.zeros(image.shape, np.uint8)
    for (cx, cy), r in zip(centre, radius, strict=True):
        far = np.hypot(X - cx, Y - cy)
        around = [v for v, f, ok in zip(image.flat, far.flat, trusted.flat, strict=True)
                  if r <= f <= r + 3 and ok and v >= lowest]  # fmt: skip
        mean, n = np.mean(around), len(around)
        for _ in range(2):
            limit = mean + 3 * np.sqrt(max(mean, 0) + noise) + 1
            kept = [v for v in around if v <= limit]
            mean, n = (np.mean(kept) if kept else 0.0), len(kept)
        sums = np.zeros(4)
        good = n >= 10
        covered[far <= r + 1] = 1
        for x, y, v, f, ok in zip(X.flat, Y.flat, image.flat, far.flat, trusted.flat, strict=True):
            if f >= r:
                continue
            if not ok or v < lowest or v >= overload:
                good = False
                continue
            sums += (v - mean) * np.array([1, (x - cx) ** 2, (x - cx) * (y - cy), (y - cy) ** 2])
        results.append([sums[0], float(good), *sums[1:]])
    return np.array(results), covered


def scene(seed=0):
    rng = np.random.default_rng(seed)
    peak = 400 * np.exp(-0.5 * ((X - 12.3) ** 2 / 1.4 + (Y - 10.1) ** 2 / 2.2))
    image = rng.poisson(2.0 + peak).astype(np.int32)
    centre, radius = np.array([[12.3, 10.1], [24.7, 20.2], [2.0, 21.0]]), np.array([4.5, 3.0, 2.5])
    return image, centre, radius


@pytest.mark.parametrize("noise", [0.0, 25.0])
def test_flux_and_moments_are_those_of_the_loops(noise):
    image, centre, radius = scene()
    image[20, 3], image[15, 14] = -1, 60
    trusted = TRUSTED.copy()
    trusted[9, 18] = 0
    found, covered = survey_frame(image, trusted, 1e6, centre, radius, noise=noise)
    expected, on = by_loops(image, trusted, 1e6, centre, radius, noise=noise)
    assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(np.sort(covered), np.flatnonzero(on))
    assert found[2, 1] == 0  # a bad pixel in its disc
    assert found[0, 1] == 1


def test_overloads_and_counts_below_the_least_make_a_spot_bad():
    image, centre, radius = scene()
    top = int(image.max())
    for overload, lowest in ((top, 0.0), (top + 1, 0.0), (1e6, 2.0)):
        found, _ = survey_frame(image, TRUSTED, overload, centre[:1], radius[:1], lowest)
        expected, _ = by_loops(image, TRUSTED, overload, centre[:1], radius[:1], lowest)
        assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    assert survey_frame(image, TRUSTED, top, centre, radius)[0][0, 1] == 0
    assert survey_frame(image, TRUSTED, top + 1, centre, radius)[0][0, 1] == 1


def test_a_known_spot_has_its_flux_and_its_width():
    peak = 1e5 / (2 * np.pi * 1.3) * np.exp(-0.5 * ((X - 15) ** 2 + (Y - 12) ** 2) / 1.3)
    image = np.rint(5.0 + peak).astype(np.int32)
    (flux, good, xx, xy, yy), _ = (
        v[0] for v in survey_frame(image, TRUSTED, 1e9, np.array([[15.0, 12.0]]), np.array([7.0]))
    )
    assert flux == pytest.approx(1e5, rel=1e-3)
    assert [xx / flux, yy / flux] == pytest.approx([1.3, 1.3], rel=0.01)
    assert xy / flux == pytest.approx(0.0, abs=0.01)
    assert good == 1


@pytest.mark.parametrize("noise", [0.0, 9.0])
def test_limits_of_rings_leave_reflections_out_of_the_background(noise):
    rng = np.random.default_rng(1)
    ring = (X > 15).astype(np.int32)
    image = rng.poisson(np.where(ring, 4.0, 20.0)).astype(np.int32)
    image[3:6, 3:6] = 5000
    limit = Rings(ring, TRUSTED, 3).limits(image, noise=noise)
    for n in (0, 1):
        values = image[(ring == n) & (image <= limit[n])]
        assert values.max() < 1000
        high = 2 * values.mean()
        assert limit[n] == pytest.approx(high + 4 * np.sqrt(high + noise) + 2)
    assert limit[2] == pytest.approx(2 + 4 * np.sqrt(noise))


def test_untrusted_pixels_set_no_limit():
    image = np.full(SHAPE, 10, np.int32)
    image[0], image[1] = 10**6, -5
    trusted = TRUSTED.copy()
    trusted[0] = 0
    ring = np.zeros(SHAPE, np.int32)
    assert Rings(ring, trusted, 1).limits(image)[0] == pytest.approx(20 + 4 * np.sqrt(20) + 2)


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_background_is_what_is_neither_covered_nor_bright_nor_bad(dtype):
    image, covered, trusted = np.full(SHAPE, 3, np.int32), np.zeros(SHAPE, np.uint8), TRUSTED.copy()
    ring = np.zeros(SHAPE, np.int32)
    ring[10:] = 1
    image[0, 0], image[0, 1], image[20, 1], image[0, 2] = 9, 10, 10, -1
    covered[5, 5], covered[0, 1], trusted[6, 6] = 1, 1, 0
    seen = BackgroundSum.of_shape(SHAPE)
    cap = Rings(ring, trusted, 2).caps(np.array([9.5, np.inf]))
    seen.add([image, image.astype(dtype)], trusted, [np.flatnonzero(covered)] * 2, cap)
    expected = np.full(SHAPE, 2)
    expected[[0, 0, 5, 6], [1, 2, 5, 6]] = 0
    np.testing.assert_array_equal(seen.number, expected)
    np.testing.assert_array_equal(seen.total, np.where(expected > 0, 2 * image, 0))
    assert np.argwhere(seen.n_bright).tolist() == [[0, 1]]  # bright, though a spot covers it
    assert seen.n_bright[0, 1] == 2
    other = BackgroundSum.of_shape(SHAPE)
    other.include(seen)
    other.include(seen)
    assert (other.n_frames, other.number[1, 1], other.total[1, 1], other.n_bright[0, 1]) == (4, 4, 12, 4)


def test_shapes_that_do_not_agree_are_refused():
    image, centre, radius = scene()
    with pytest.raises(ValueError, match="of shape"):
        survey_frame(image, TRUSTED, 1e6, centre, radius[:2])
    cap, nothing = TRUSTED.astype(np.int32), np.empty(0, np.int32)
    with pytest.raises(ValueError, match="of shape"):
        BackgroundSum.of_shape((3, 3)).add([image], TRUSTED, [nothing], cap)
    with pytest.raises(ValueError, match="as many"):
        BackgroundSum.of_shape(SHAPE).add([image], TRUSTED, [], cap)
    for pixel in (-1, image.size):
        with pytest.raises(ValueError, match="covered must lie"):
            BackgroundSum.of_shape(SHAPE).add([image], TRUSTED, [np.array([pixel])], cap)


class Frames:
    """A spot of 100 photons on frames 3 to 5, on a background of one."""

    n_frames, shape, min_trusted, max_trusted, mask = 12, SHAPE, 0, 1e6, np.ones(SHAPE, bool)

    def read(self, frame):
        image = np.ones(SHAPE, np.int32)
        if 3 <= frame <= 5:
            image[10, 12] += 100
        return image

    def path(self, frame):
        return Path("x")


@pytest.mark.parametrize("n_threads", [1, 3])
def test_spots_are_looked_at_on_their_frames_and_one_more_each_way(n_threads):
    spots = SpotPlaces(np.array([[12.5, 10.5]]), np.array([[11, 14, 9, 12, 3, 6]]))
    assert spots.radius.tolist() == [2.5]
    level = BeamLevel.with_cap_of(Frames().read(0), np.ones(SHAPE, bool))
    seen = survey(Frames(), TRUSTED, np.zeros(SHAPE, np.int32), spots, level, [range(12)], n_threads)
    assert seen.spots.frame.tolist() == [2, 3, 4, 5, 6]
    assert seen.spots.spot.tolist() == [0] * 5
    assert_allclose(seen.spots.flux, [0, 100, 100, 100, 0], atol=1e-9)
    assert seen.spots.is_good.tolist() == [True]
    assert seen.background.n_frames == 12
    assert sorted(seen.levels) == list(range(12))
    assert seen.background.number[10, 12] == 7  # not while the spot's disc lies there
    assert_allclose(seen.background.total[0, 0], 12)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_moments_tell_the_spread_in_any_axes(seed):
    """The sums of photons (dx, dy) on two frames, turned afterwards, are those of the turned photons."""
    rng = np.random.default_rng(seed)
    transform, offset = rng.normal(size=(3, 2, 2)), rng.normal(size=(6, 40, 2))
    spot, weight = np.array([0, 1, 2, 2, 1, 0]), rng.uniform(0, 9, (6, 40))
    dx, dy = offset[..., 0], offset[..., 1]
    out = np.column_stack([(weight * v).sum(1) for v in (1 + 0 * dx, 0 * dx, dx * dx, dx * dy, dy * dy)])
    out[:, 1] = [1, 1, 1, 0, 1, 1]
    sums = SpotSums.of_frames(4, spot, np.arange(6), out)
    eps = np.einsum("nij,npj->npi", transform[spot], offset)
    expected = np.zeros((4, 2))
    np.add.at(expected, spot, (weight[..., None] * eps**2).sum(1))
    assert_allclose(sums.spreads(np.concatenate([transform, np.eye(2)[None]])), expected, rtol=1e-9, atol=1e-9)
    assert sums.is_good.tolist() == [True, True, False, True]
