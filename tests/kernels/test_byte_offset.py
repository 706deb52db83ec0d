from __future__ import annotations

import fabio.compression
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoproc.kernels.byte_offset import decode_byte_offset
from autoproc.kernels.byte_offset_write import encode_byte_offset

LIMITS = st.sampled_from([0, 1, -1, 127, -127, 128, -128, 129, 32767, -32767, 32768, -32768, 2**31 - 1, -(2**31)])


@given(arrays(np.int32, st.integers(0, 40), elements=LIMITS | st.integers(-(2**31), 2**31 - 1)))
def test_what_was_written_is_read(pixels):
    packed = encode_byte_offset(pixels)
    decoded, used = decode_byte_offset(packed, pixels.size)
    np.testing.assert_array_equal(decoded, pixels)
    assert used == len(packed)


def test_a_second_decoder_agrees():
    pixels = np.random.default_rng(1).integers(-70000, 70000, 5000).astype(np.int32)
    packed = fabio.compression.compByteOffset(pixels)
    np.testing.assert_array_equal(decode_byte_offset(packed, pixels.size)[0], pixels)


def test_each_width_of_difference():
    packed = b"\x05\x80\x2c\x01\x80\x00\x80\x70\x11\x01\x00\x80\x00\x80\x00\x00\x00\x80" + (7).to_bytes(8, "little")
    pixels, used = decode_byte_offset(packed, 4)
    np.testing.assert_array_equal(pixels, [5, 305, 70305, 70312])
    assert used == len(packed)


def test_bytes_after_the_last_pixel_are_left():
    assert decode_byte_offset(b"\x01\x01\x01\x01", 2)[1] == 2


@given(cut=st.integers(1, 10**6), seed=st.integers(0, 20))
def test_missing_bytes_are_told(cut, seed):
    pixels = np.random.default_rng(seed).integers(-(2**31), 2**31 - 1, 50).astype(np.int32)
    packed = encode_byte_offset(pixels)
    with pytest.raises(ValueError, match=r"the data end after \d+ of 50 pixels"):
        decode_byte_offset(packed[: len(packed) - 1 - cut % len(packed)], 50)


def test_negative_count_is_a_mistake():
    with pytest.raises(ValueError, match="pixels is -1"):
        decode_byte_offset(b"", -1)


@given(
    seed=st.integers(0, 10**6),
    level=st.sampled_from([0, 30000, 32766, -32000, 2**31 - 2]),
    spread=st.sampled_from([0.4, 20, 120, 3000]),
    n=st.integers(0, 400),
)
def test_runs_of_small_steps_are_read_as_one_by_one(seed, level, spread, n):
    rng = np.random.default_rng(seed)
    pixels = (level + np.rint(spread * rng.standard_normal(n)).clip(-30000, 30000).astype(np.int64)).astype(np.int32)
    packed = encode_byte_offset(pixels)
    decoded, used = decode_byte_offset(packed, n)
    np.testing.assert_array_equal(decoded, pixels)
    fits = bool(np.all((pixels >= -32768) & (pixels <= 32767)))
    assert decoded.dtype == (np.int16 if fits else np.int32)
    assert used == len(packed)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([32767], np.int16), ([32768], np.int32), ([-32768], np.int16), ([-32769], np.int32), ([], np.int16)],
)
def test_pixels_are_as_narrow_as_they_may_be(values, dtype):
    pixels = np.array([0] * 40 + values + [0] * 3, np.int32)
    assert decode_byte_offset(encode_byte_offset(pixels), len(pixels))[0].dtype == dtype


@pytest.mark.parametrize("direction", [1, -1])
def test_a_long_climb_in_small_steps_leaves_16_bits_without_wrapping(direction):
    pixels = np.arange(0, direction * 40_000, direction * 100).astype(np.int32)
    decoded, _ = decode_byte_offset(encode_byte_offset(pixels), len(pixels))
    np.testing.assert_array_equal(decoded, pixels)
