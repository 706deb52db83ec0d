from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.bitshuffle_lz4 import decode_bitshuffle_lz4


def chunk_of(values: np.ndarray) -> bytes:
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as handle:
        dataset = handle.create_dataset("x", data=values[None], chunks=(1, len(values)), **hdf5plugin.Bitshuffle())
        return bytes(dataset.id.read_direct_chunk((0, 0))[1])


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 5000),
    dtype=st.sampled_from([np.uint8, np.uint16, np.uint32]),
    high=st.sampled_from([2, 100, 2**31]),
)
def test_decodes_what_the_hdf5_filter_wrote(seed, n, dtype, high):
    limit = min(high, int(np.iinfo(dtype).max) + 1)
    values = np.random.default_rng(seed).integers(0, limit, n).astype(dtype)
    decoded = decode_bitshuffle_lz4(chunk_of(values), values.dtype.itemsize, n)
    np.testing.assert_array_equal(decoded, with_markers(values))
    fits = with_markers(values).max() <= 32767 and with_markers(values).min() >= -2
    assert decoded.dtype == (np.int16 if fits else np.int32)


def with_markers(values: np.ndarray) -> np.ndarray:
    """Counts as they are meant, by their definition: the two largest of the type are -1 and -2."""
    top = int(np.iinfo(values.dtype).max)
    return np.where(values >= top - 1, values.astype(np.int64) - top - 1, values).astype(np.int32)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 20_000),
    dtype=st.sampled_from([np.uint8, np.uint16, np.uint32]),
    mean=st.sampled_from([0.001, 0.3, 5.0, 120.0, 300.0]),
    period=st.integers(1, 40),
)
def test_decodes_images_that_compress_well(seed, n, dtype, mean, period):
    """Few counts, gaps of markers, and patterns that LZ4 finds again at any distance."""
    rng = np.random.default_rng(seed)
    values = np.minimum(rng.poisson(mean, n), np.iinfo(dtype).max - 2).astype(dtype)
    values[n // 2 :] = np.resize(values[:period], n - n // 2)
    values[rng.integers(0, n) :][:300] = np.iinfo(dtype).max
    values[rng.integers(0, n)] = np.iinfo(dtype).max - rng.integers(0, 3)
    decoded = decode_bitshuffle_lz4(chunk_of(values), values.dtype.itemsize, n)
    np.testing.assert_array_equal(decoded, with_markers(values))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_bad_pixel_markers_become_negative(dtype):
    top = np.iinfo(dtype).max
    values = np.array([top, top - 1, top - 2, 7] * 16, dtype)
    decoded = decode_bitshuffle_lz4(chunk_of(values), values.dtype.itemsize, 64)
    assert decoded[:4].tolist() == [-1, -2, -3 if dtype == np.uint32 else int(top) - 2, 7]


@pytest.mark.parametrize("keep", [0, 5, 11, 13, 40])
def test_truncated_chunk_is_refused(keep):
    chunk = chunk_of(np.random.default_rng(0).integers(0, 2**16, 4096).astype(np.uint16))
    with pytest.raises(ValueError, match="chunk|block"):
        decode_bitshuffle_lz4(chunk[:keep], 2, 4096)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_damage_never_reads_or_writes_outside(seed):
    rng = np.random.default_rng(seed)
    chunk = bytearray(chunk_of(rng.integers(0, 50, 3000).astype(np.uint16)))
    for position in rng.integers(12, len(chunk), 20):
        chunk[position] = rng.integers(0, 256)
    try:
        decoded = decode_bitshuffle_lz4(bytes(chunk), 2, 3000)
    except ValueError:
        return
    assert decoded.shape == (3000,)


def test_wrong_size_is_refused():
    with pytest.raises(ValueError, match="expected 200"):
        decode_bitshuffle_lz4(chunk_of(np.zeros(64, np.uint16)), 2, 100)


def test_blocks_that_claim_gigabytes_take_no_more_memory_than_the_chunk():
    """The size of a block is a stranger's; 4 GB of scratch space ended a reader with little memory."""
    import tracemalloc

    chunk = (400).to_bytes(8, "big") + (0xFFFFFFE0).to_bytes(4, "big") + bytes(40)
    tracemalloc.start()
    with pytest.raises(ValueError, match="block 1 is damaged"):
        decode_bitshuffle_lz4(chunk, 4, 100)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_negative_number_of_elements_is_refused():
    with pytest.raises(ValueError, match="elements is -1"):
        decode_bitshuffle_lz4(bytes(12), 4, -1)


ODD = [1 << 14, 32767, 32768, 40000, 65533, 65534, 65535, -4, -3, -2, -1]


@pytest.mark.parametrize("beside", [0, 1, 7])
@pytest.mark.parametrize(
    ("value", "dtype"), [(v, np.uint16) for v in ODD] + [(v, np.uint32) for v in (*ODD, 65536, 1 << 20)]
)
def test_one_odd_count_among_few(value, beside, dtype):
    """Counts that fit into 16 bits stay there, alone or beside markers; one that does not widens all."""
    values = np.random.default_rng(beside).poisson(0.2, 4096).astype(dtype)
    values[777] = value if value >= 0 else int(np.iinfo(dtype).max) + 1 + value
    values[778 : 778 + beside] = np.iinfo(dtype).max
    decoded = decode_bitshuffle_lz4(chunk_of(values), values.dtype.itemsize, 4096)
    np.testing.assert_array_equal(decoded, with_markers(values))
    assert decoded.dtype == (np.int16 if -2 <= int(with_markers(values)[777]) <= 32767 else np.int32)
