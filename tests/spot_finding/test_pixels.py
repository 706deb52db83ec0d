from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.kernels.dispersion import StrongPixels
from autoproc.spot_finding import pixels
from autoproc.spot_finding.pixels import SpotPixels, SpotStream


def frames_of(volume):
    """(frame, strong pixels) of a volume of counts, strong where above zero."""
    for frame, image in enumerate(volume):
        index = np.flatnonzero(image).astype(np.int32)
        yield frame, StrongPixels(len(index), index, image.ravel()[index], np.zeros(len(index), np.float32))


def random_volume(seed, shape=(12, 6, 7), density=0.25):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < density, rng.integers(1, 50, shape), 0).astype(np.int32)


def grouped(frames, width, block=64):
    """Spots as they end, after every so many frames, and then all that are left."""
    stream, parts, n = SpotStream(width), [], 0
    for n, (frame, strong) in enumerate(frames, 1):
        stream.add(frame, strong)
        if n % block == 0:
            parts.append(stream.ended())
    return [*parts, stream.as_it_is()] if n else []


def columns(spots):
    return np.column_stack([spots.spot, spots.x, spots.y, spots.z, spots.counts, spots.background])


@given(seed=st.integers(0, 2**32 - 1), block=st.integers(1, 13), density=st.floats(0, 0.5))
def test_spots_do_not_depend_on_the_blocks(seed, block, density):
    volume = random_volume(seed, density=density)
    whole = SpotPixels.in_order(grouped(frames_of(volume), 7, 1000))
    cut = SpotPixels.in_order(grouped(frames_of(volume), 7, block))
    np.testing.assert_array_equal(columns(cut), columns(whole))
    assert len(whole.x) == np.count_nonzero(volume)
    np.testing.assert_array_equal(volume[whole.z, whole.y, whole.x], whole.counts)


def test_spots_are_given_as_they_end():
    volume = np.zeros((9, 4, 5), np.int32)
    volume[0:2, 1, 1] = 7
    volume[2:6, 3, 3] = 8
    parts = grouped(frames_of(volume), 5, block=3)
    assert [len(part) for part in parts] == [1, 0, 1, 0]
    np.testing.assert_array_equal(parts[2].z, [2, 3, 4, 5])


def test_a_frame_left_out_ends_the_spots():
    volume = np.ones((3, 1, 1), np.int32)
    frames = [frame for frame in frames_of(volume) if frame[0] != 1]
    assert sum(len(part) for part in grouped(frames, 1)) == 2


def test_no_frames_give_no_spots():
    assert len(SpotPixels.in_order(grouped([], 5))) == 0


@pytest.mark.parametrize("rows", [[], [2, 0], [1]])
def test_take_keeps_the_pixels_of_each_spot(rows):
    spots = SpotPixels.in_order(grouped(frames_of(random_volume(1)), 7))
    taken = spots[np.array(rows, int)]
    assert len(taken) == len(rows)
    for k, row in enumerate(rows):
        np.testing.assert_array_equal(columns(taken)[taken.spot == k, 1:], columns(spots)[spots.spot == row, 1:])


def test_take_by_mask():
    spots = SpotPixels.in_order(grouped(frames_of(random_volume(2)), 7))
    large = spots.size > 2
    np.testing.assert_array_equal(spots[large].size, spots.size[large])


def test_spots_of_several_parts_come_in_order_whatever_number_is_gathered_at_a_time(monkeypatch):
    parts = grouped(frames_of(random_volume(3)), 7, 2)
    assert len(parts) > 2
    first = [(p.z[b], p.y[b], p.x[b]) for p in parts for b in p.start[:-1]]
    whole = SpotPixels.in_order(list(parts))
    assert [(whole.z[b], whole.y[b], whole.x[b]) for b in whole.start[:-1]] == sorted(first)
    assert whole.start[-1] == sum(p.start[-1] for p in parts)
    monkeypatch.setattr(pixels, "TOGETHER", 3)
    emptied = list(parts)
    few = SpotPixels.in_order(emptied)
    assert not emptied
    for name in ("start", "x", "y", "z", "counts", "background"):
        np.testing.assert_array_equal(getattr(few, name), getattr(whole, name))
