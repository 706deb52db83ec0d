"""Frames kept in memory are the frames that were read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoproc.integration.frame_cache import FrameCache


class Frames:
    """Frames of two pixels; `values` of each."""

    shape, min_trusted, max_trusted, mask = (1, 2), -3, 77.0, np.ones((1, 2), bool)

    def __init__(self, *values):
        self.values, self.n_frames, self.reads = values, len(values), []

    def read(self, frame):
        self.reads.append(frame)
        return np.array([self.values[frame]], np.int32)

    def path(self, frame):
        return Path(f"f{frame}")


@pytest.mark.parametrize(
    ("values", "n_bytes"),
    [((0, 32767), 4), ((-32768, 5), 4), ((0, 32768), 8), ((-32769, 0), 8), ((-2, 2**31 - 1), 8)],
)
def test_counts_survive_and_take_the_room_that_they_need(values, n_bytes):
    for room, n_reads in ((n_bytes, 1), (n_bytes - 1, 2)):
        reader = Frames(values)
        cache = FrameCache(reader, room)
        for _ in range(2):
            image = cache.read(0)
            assert image.dtype == (np.int16 if n_bytes == 4 else np.int32)
            assert not image.flags.writeable
            assert image.tolist() == [list(values)]
        assert len(reader.reads) == n_reads


def test_a_frame_that_finds_no_room_leaves_it_to_a_smaller_one():
    reader = Frames((1, 2), (0, 99999), (3, 4), (5, 6))
    cache = FrameCache(reader, 8)
    for _ in range(2):
        for frame in range(4):
            cache.read(frame)
    assert reader.reads == [0, 1, 2, 3, 1, 3]


def test_the_cache_is_a_reader_like_its_own():
    reader = Frames((1, 2))
    cache = FrameCache(reader, 0)
    assert (cache.n_frames, cache.shape, cache.min_trusted, cache.max_trusted) == (1, (1, 2), -3, 77.0)
    assert cache.mask is reader.mask
    assert cache.path(0) == Path("f0")
