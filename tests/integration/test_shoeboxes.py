from __future__ import annotations

from pathlib import Path

import numpy as np

from autoproc.integration import shoeboxes
from autoproc.integration.kabsch import SpotFrames, bounding_boxes, kabsch_axes
from autoproc.integration.shoeboxes import rotation_blocks, stream_shoeboxes
from autoproc.kernels.integrate_shoebox import FREE, OTHER, OWN, UNTRUSTED, PixelMemory, Shoeboxes, box_sizes

SHAPE = (50, 60)
EMPTY = Shoeboxes.empty


class Frames:
    """Every pixel of frame f holds f + 1."""

    n_frames, shape, min_trusted, max_trusted = 40, SHAPE, 0, 1e6
    mask = np.ones(SHAPE, bool)

    def __init__(self):
        self.n_read = 0

    def read(self, frame):
        self.n_read += 1
        return np.full(SHAPE, frame + 1, np.int32)

    def path(self, frame):
        return Path(f"frame_{frame}")


def spots(n=200, seed=0):
    rng = np.random.default_rng(seed)
    z = np.sort(rng.uniform(0, 40, n))
    centre = np.column_stack([rng.uniform(5, 55, n), rng.uniform(5, 45, n), z])
    rate = rng.choice([0.2, 1.0, 4.0], n)
    return SpotFrames(centre, np.tile(np.eye(2), (n, 1, 1)), rate)


def poisoned(*arguments):
    """Shoeboxes whose memory holds something else from before."""
    boxes = EMPTY(*arguments)
    boxes.counts[:], boxes.label[:] = 987654, 77
    return boxes


def test_every_shoebox_is_complete_when_it_comes_whatever_its_length(monkeypatch):
    monkeypatch.setattr(Shoeboxes, "empty", staticmethod(poisoned))
    frames = spots()
    bbox = bounding_boxes(frames, 3.0, 3, 40)
    blocks = rotation_blocks(frames.centre[:, 2], bbox, 5, 0, 40)
    assert len(blocks) == 8
    contested = np.zeros(200, np.uint8)
    trusted = np.ones(SHAPE, np.uint8)
    done = 0
    for block, boxes in zip(
        blocks, stream_shoeboxes(Frames(), trusted, frames, bbox, blocks, 3.0, 3, contested, PixelMemory()), strict=True
    ):
        assert (block.first, block.last - block.first) == (done, len(boxes))
        done = block.last
        for i in range(len(boxes)):
            x0, x1, y0, y1, z0, z1 = boxes.bbox[i]
            pixels = boxes.counts[boxes.start[i] : boxes.start[i + 1]].reshape(z1 - z0, y1 - y0, x1 - x0)
            y, x = np.mgrid[y0:y1, x0:x1]
            is_inside = (x >= 0) & (x < SHAPE[1]) & (y >= 0) & (y < SHAPE[0])
            expected = np.where(is_inside, np.arange(z0 + 1, z1 + 1)[:, None, None], UNTRUSTED)
            np.testing.assert_array_equal(pixels, expected)
            assert is_inside.mean() > 0.2
        assert set(boxes.label.tolist()) <= {FREE, OWN, OTHER}
    assert done == 200


def test_memory_that_is_given_back_holds_later_blocks_with_the_same_pixels():
    frames = spots()
    frames = SpotFrames(frames.centre, frames.transform, np.full(200, 4.0))  # short ones
    bbox = bounding_boxes(frames, 3.0, 3, 40)
    blocks, trusted = rotation_blocks(frames.centre[:, 2], bbox, 5, 0, 40), np.ones(SHAPE, np.uint8)

    def streamed(memory, is_given_back):
        seen, places = [], set()
        for boxes in stream_shoeboxes(Frames(), trusted, frames, bbox, blocks, 3.0, 2, np.zeros(200, np.uint8), memory):
            seen.append((boxes.counts.copy(), boxes.label.copy()))
            places.add(boxes.counts.__array_interface__["data"][0])
            if is_given_back:
                memory.give_back(boxes)
        return seen, places

    fresh, _ = streamed(PixelMemory(), False)
    again, places = streamed(PixelMemory(), True)
    assert len(places) < len(blocks) == len(again)
    for one, other in zip(fresh, again, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_blocks_are_narrower_where_their_shoeboxes_are_too_many(monkeypatch):
    frames = spots()
    bbox = bounding_boxes(frames, 3.0, 3, 40)
    n_pixels = int(box_sizes(bbox).sum())
    for most, n_blocks in ((n_pixels, 8), (n_pixels // 8 + 1, 8), (n_pixels // 20, 21), (1, None)):
        monkeypatch.setattr(shoeboxes, "MOST_PIXELS", most)
        blocks = rotation_blocks(frames.centre[:, 2], bbox, 5, 0, 40)
        assert n_blocks in (None, len(blocks))
        assert [block.first for block in blocks] == [0, *(block.last for block in blocks[:-1])]
        assert blocks[-1].last == 200


def test_kabsch_axes_are_perpendicular_to_the_ray():
    rng = np.random.default_rng(1)
    s0, s1 = np.array([0, 0, -1.0]), rng.normal(size=(50, 3))
    s1 /= np.linalg.norm(s1, axis=1, keepdims=True)
    e1, e2 = kabsch_axes(s0, s1)
    for a, b in ((e1, s1), (e2, s1), (e1, e2), (e1, np.broadcast_to(s0, e1.shape))):
        np.testing.assert_allclose(np.sum(a * b, axis=1), 0, atol=1e-12)


def test_pixels_that_two_peaks_contest_are_nobodys_background():
    centre = np.array([[20.0, 20.0, 5.0], [24.0, 20.0, 5.0]])
    frames = SpotFrames(centre, np.tile(np.eye(2) / 1.2, (2, 1, 1)), np.full(2, 1.0))
    bbox = bounding_boxes(frames, 3.0, 3, 40)
    contested = np.zeros(2, np.uint8)
    blocks = rotation_blocks(centre[:, 2], bbox, 40, 0, 40)
    (boxes,) = stream_shoeboxes(
        Frames(), np.ones(SHAPE, np.uint8), frames, bbox, blocks, 3.0, 1, contested, PixelMemory()
    )
    assert contested.all()
    x0, x1, y0, y1, z0, z1 = boxes.bbox[0]
    label = boxes.label[: boxes.start[1]].reshape(z1 - z0, y1 - y0, x1 - x0)[5 - z0]
    row = label[20 - y0]
    assert row[18 - x0] == 1
    assert row[21 - x0] == row[22 - x0] == 2  # between them
    assert row[25 - x0] == 2
    y, x = np.mgrid[y0:y1, x0:x1] + 0.5
    in_a_peak = np.minimum(np.hypot(x - 20, y - 20), np.hypot(x - 24, y - 20)) < 3 * 1.2
    np.testing.assert_array_equal(label == 0, ~in_a_peak)


def test_who_gets_a_pixel_does_not_depend_on_where_the_blocks_begin():
    """Where three and more peaks meet as well: those of blocks that are not asked for claim theirs."""
    frames = spots(300)
    frames = SpotFrames(frames.centre, frames.transform / 2, frames.rate)
    bbox = bounding_boxes(frames, 3.0, 3, 40)
    blocks = rotation_blocks(frames.centre[:, 2], bbox, 5, 0, 40)

    def labels(some):
        contested, memory = np.zeros(300, np.uint8), PixelMemory()
        stream = stream_shoeboxes(Frames(), np.ones(SHAPE, np.uint8), frames, bbox, some, 3.0, 1, contested, memory)
        return [boxes.label.copy() for boxes in stream], contested

    together, all_contested = labels(blocks)
    for n, block in enumerate(blocks):
        (alone,), contested = labels([block])
        rows = slice(block.first, block.last)
        np.testing.assert_array_equal(alone, together[n])
        np.testing.assert_array_equal(contested[rows], all_contested[rows])
