from __future__ import annotations

import numpy as np
import pytest
from fabio.compression import decByteOffset
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoproc.kernels.byte_offset_write import encode_byte_offset


@settings(deadline=None)
@given(arrays(np.int32, st.integers(1, 60), elements=st.integers(-(2**31), 2**31 - 1)))
def test_fabio_reads_back_any_pixels(pixels):
    np.testing.assert_array_equal(decByteOffset(encode_byte_offset(pixels), size=len(pixels)), pixels)


@pytest.mark.parametrize(
    ("step", "n_bytes"), [(127, 1), (-127, 1), (128, 3), (-128, 3), (32767, 3), (32768, 7), (-32768, 7), (2**31 - 1, 7)]
)
def test_length_follows_the_difference(step, n_bytes):
    assert len(encode_byte_offset(np.array([step]))) == n_bytes


def test_differences_beyond_four_bytes():
    pixels = np.array([2**31 - 1, -(2**31)], np.int32)
    data = encode_byte_offset(pixels)
    assert len(data) == 7 + 15
    assert int.from_bytes(data[-8:], "little", signed=True) == -(2**32) + 1


def test_order_is_fast_axis_first():
    image = np.arange(6).reshape(2, 3)
    assert encode_byte_offset(image) == bytes([0, 1, 1, 1, 1, 1])
    assert encode_byte_offset(image.T) == encode_byte_offset(np.ascontiguousarray(image.T))
