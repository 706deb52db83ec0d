"""All levels of an image are made as plain numpy makes them, one after the other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.kernels.image_pyramid import FITS_16, code_rows, pool_rows

N_LEVELS = 5
BAND = 1 << (N_LEVELS - 1)
LARGEST_32 = 2**31 - 1
sizes = st.integers(1, 90)
lowest_counts = st.sampled_from([0, 1, -1, -20, 700])
overloads = st.sampled_from([1, 60, 32767, 32768, 70_000, 2**31 - 2**23])
tails = st.sampled_from(["few", "negative", "high", "extreme"])


def an_image(seed, shape, dtype, tail):
    """Few counts everywhere, and a tenth of the pixels with others: (counts, mask)."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2.0, shape).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = {"few": (0, 9), "negative": (-50, 0), "high": (50, min(80_000, limits.max)),
                 "extreme": (limits.min, limits.max)}[tail]  # fmt: skip
    odd = rng.random(shape) < 0.1
    counts[odd] = rng.integers(low, high, odd.sum(), endpoint=True)
    return counts, rng.random(shape) > rng.choice([0.0, 0.1, 0.9, 1.1])


def expected_levels(counts, mask, lowest, overload, dtype):
    """By the definition, in 64 bits; None where a count needs the code of overloads, or a higher one."""
    top = np.iinfo(dtype).max
    good = mask & (counts >= lowest)
    is_over = good & (counts >= overload)
    codes = np.where(good, counts.astype(np.int64) - lowest + 1, 0)
    if (codes[~is_over] >= top).any():
        return None
    levels = [np.where(is_over, top, codes)]
    while len(levels) < N_LEVELS:
        levels.append(highest_of_four(levels[-1]))
    return levels


def highest_of_four(codes):
    n_slow, n_fast = codes.shape
    even = np.pad(codes, ((0, n_slow % 2), (0, n_fast % 2)), constant_values=0)
    return np.maximum.reduce([even[::2, ::2], even[1::2, ::2], even[::2, 1::2], even[1::2, 1::2]])


def empty_levels(shape, dtype):
    shapes = [(-(-shape[0] // 2**n), -(-shape[1] // 2**n)) for n in range(N_LEVELS)]
    return [np.full(one, 12345, dtype) for one in shapes]


def in_bands(fill, n_rows, band=BAND):
    return [fill(first, min(first + band, n_rows)) for first in reversed(range(0, n_rows, band))]


@given(
    st.integers(0, 2**32 - 1), sizes, sizes, lowest_counts, overloads, tails,
    st.sampled_from([(np.int16, np.uint16), (np.int32, np.uint16), (np.int32, np.uint32), (np.int16, np.uint32)]),
    st.sampled_from([BAND, 3 * BAND, 1024]),
)  # fmt: skip
def test_levels_are_those_of_the_definition(seed, n_slow, n_fast, lowest, overload, tail, types, band):
    counts, mask = an_image(seed, (n_slow, n_fast), types[0], tail)
    expected = expected_levels(counts, mask, lowest, overload, types[1])
    levels = empty_levels(counts.shape, types[1])
    fits = in_bands(lambda *rows: code_rows(counts, mask, lowest, overload, levels, *rows), n_slow, band)
    assert all(fits) == (expected is not None)
    if expected is not None:
        for found, level in zip(levels, expected, strict=True):
            np.testing.assert_array_equal(found, level)


@given(st.integers(0, 2**32 - 1), sizes, sizes, tails, st.sampled_from([(np.int16, np.uint16), (np.int32, np.uint32)]))
def test_codes_may_take_the_place_of_counts(seed, n_slow, n_fast, tail, types):
    counts, mask = an_image(seed, (n_slow, n_fast), types[0], tail)
    expected = expected_levels(counts, mask, -3, 40, types[1])
    levels = [counts.view(types[1]), *empty_levels(counts.shape, types[1])[1:]]
    assert all(in_bands(lambda *rows: code_rows(counts, mask, -3, 40, levels, *rows), n_slow))
    for found, level in zip(levels, expected, strict=True):
        np.testing.assert_array_equal(found, level)


@given(st.integers(0, 2**32 - 1), sizes, sizes, st.sampled_from([np.uint16, np.uint32]))
def test_codes_that_are_there_are_pooled_as_they_are(seed, n_slow, n_fast, dtype):
    levels = empty_levels((n_slow, n_fast), dtype)
    levels[0][:] = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (n_slow, n_fast), dtype, endpoint=True)
    in_bands(lambda *rows: pool_rows(levels, *rows), n_slow)
    for finer, coarser in pairwise(levels):
        np.testing.assert_array_equal(coarser, highest_of_four(finer))


@pytest.mark.parametrize("lowest", FITS_16)
def test_every_count_of_16_bits_has_a_code_within_the_limits(lowest):
    counts = np.arange(-(2**15), 2**15, dtype=np.int16).reshape(256, 256)
    levels = empty_levels(counts.shape, np.uint16)
    assert code_rows(counts, np.ones(counts.shape, bool), lowest, 2**20, levels, 0, 256)
    assert levels[0].max() == FITS_16[1] - lowest + 1
    assert levels[0].max() < np.iinfo(np.uint16).max


@pytest.mark.parametrize("lowest", [FITS_16[0] - 1, FITS_16[1] + 1])
def test_beyond_the_limits_too_counts_are_those_of_the_definition(lowest):
    counts, mask = an_image(4, (40, 33), np.int16, "extreme")
    levels = empty_levels(counts.shape, np.uint32)
    assert code_rows(counts, mask, lowest, LARGEST_32, levels, 0, 40)
    np.testing.assert_array_equal(levels[0], expected_levels(counts, mask, lowest, LARGEST_32, np.uint32)[0])


IMAGE = np.zeros((40, 30), np.int32)
GOOD = np.ones((40, 30), bool)
LEVELS = empty_levels((40, 30), np.uint16)


@pytest.mark.parametrize(
    ("levels", "first", "end"),
    [
        ([], 0, 0),
        ([*LEVELS[:2], LEVELS[3]], 0, 40),
        ([LEVELS[0], LEVELS[1].astype(np.uint32)], 0, 40),
        ([level.astype(np.int16) for level in LEVELS], 0, 40),
        ([LEVELS[0].T.copy().T, *LEVELS[1:]], 0, 40),
        ([LEVELS[0].ravel()], 0, 40),
        (LEVELS, 8, 40),
        (LEVELS, 0, 24),
        (LEVELS, 0, 48),
        (LEVELS, -16, 40),
    ],
)
def test_levels_that_do_not_fit_each_other_are_refused(levels, first, end):
    for fill in (pool_rows, lambda *rest: code_rows(IMAGE, GOOD, 0, 9, *rest)):
        with pytest.raises(ValueError, match="level|first|end"):
            fill(levels, first, end)


def test_an_image_of_another_shape_is_refused():
    for counts, mask in ((IMAGE[1:], GOOD), (IMAGE, GOOD[:, 1:]), (IMAGE.astype(float), GOOD)):
        with pytest.raises(ValueError, match="counts|mask"):
            code_rows(counts, mask, 0, 9, LEVELS, 0, 40)


def test_levels_that_cannot_be_written_are_refused():
    fixed = LEVELS[0].copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="free to be written"):
        pool_rows([fixed, *LEVELS[1:]], 0, 40)
