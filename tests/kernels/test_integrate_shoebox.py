from __future__ import annotations

import numpy as np
import pytest
from claim_holders import holders
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels import integrate_shoebox
from autoproc.kernels.integrate_shoebox import (
    FREE,
    OTHER,
    OVERLOADED,
    OWN,
    UNTRUSTED,
    ClaimMap,
    PixelMemory,
    Shoeboxes,
    claim_pixels,
    copy_pixels,
)

SHAPE = (30, 40)


def claimed(centres, radius=3.0, margin=5.0, rate=3.0, frame=0, trusted=None):
    n = len(centres)
    claims = ClaimMap.of(np.ones(SHAPE, np.uint8) if trusted is None else trusted)
    contested = np.zeros(n, np.uint8)
    claim_pixels(
        frame, np.arange(n), np.array(centres, float), np.tile(np.eye(2), (n, 1, 1)), np.full(n, rate),
        np.full((n, 2), radius), radius, margin, claims, contested,
    )  # fmt: skip
    return claims, contested


def test_a_peak_is_the_disc_about_its_centre():
    claims, contested = claimed([(20.5, 10.5, 0.5)])
    slow, fast = np.mgrid[: SHAPE[0], : SHAPE[1]]
    inside = (slow - 10) ** 2 + (fast - 20) ** 2 <= 9
    np.testing.assert_array_equal(holders(claims) == 0, inside)
    assert not contested.any()


def test_the_disc_shrinks_away_from_the_centre_in_rotation():
    near = (holders(claimed([(20.5, 10.5, 0.5)])[0]) == 0).sum()
    far = (holders(claimed([(20.5, 10.5, 1.8)])[0]) == 0).sum()
    gone = (holders(claimed([(20.5, 10.5, 2.1)])[0]) == 0).sum()
    assert near > far > 0 == gone


def test_a_pixel_between_two_peaks_is_nobodys_and_both_are_marked():
    claims, contested = claimed([(18.5, 10.5, 0.5), (22.5, 10.5, 0.5)])
    assert holders(claims)[10, 20] < -1
    assert holders(claims)[10, 18] == 0
    assert holders(claims)[10, 22] == 1
    assert holders(claims)[10, 10] == -1
    assert contested.tolist() == [1, 1]


def test_without_a_margin_the_nearest_takes_it_whatever_the_order():
    for centres, nearest in (([(18.5, 10.5, 0.5), (21.5, 10.5, 0.5)], 1), ([(21.5, 10.5, 0.5), (18.5, 10.5, 0.5)], 0)):
        claims, _ = claimed(centres, margin=0.0)
        assert holders(claims)[10, 20] == nearest


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
@pytest.mark.parametrize("many", [False, True])
def test_pixels_are_copied_with_their_labels(monkeypatch, many, dtype):
    """Whether reflections are numbered in 16 bits, or are too many."""
    if many:
        monkeypatch.setattr(integrate_shoebox, "MOST_CLAIMS", 1)
    trusted = np.ones(SHAPE, np.uint8)
    trusted[8, 5] = trusted[10, 3] = 0
    claims, _ = claimed([(2.5, 10.5, 0.5), (9.5, 10.5, 0.5)], trusted=trusted)
    assert claims.owner.dtype == (np.uint32 if many else np.uint16)
    bbox = np.array([[-2, 12, 6, 15, 0, 1]])
    boxes = Shoeboxes.empty(bbox, np.array([[2.5, 10.5, 0.5]]), np.eye(2)[None], np.ones(1))
    boxes.counts[:], boxes.label[:] = UNTRUSTED, FREE
    image = (np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) % 1000).astype(dtype)
    image[9, 5] = 5000
    copy_pixels(0, np.array([0]), 0, image, 0.0, 5000.0, claims, boxes)
    counts, label = boxes.counts.reshape(9, 14), boxes.label.reshape(9, 14)
    assert counts[4, 5] == UNTRUSTED
    assert label[4, 5] == OWN
    assert label[2, 7] == FREE
    assert (counts[:, :2] == UNTRUSTED).all()
    assert counts[2, 7] == UNTRUSTED
    assert counts[3, 7] == OVERLOADED
    assert counts[4, 6] == image[10, 4]
    assert (label[4, 4], label[4, 11], label[0, 8]) == (OWN, OTHER, FREE)


def test_pixels_are_anothers_in_the_boxes_of_those_that_do_not_hold_them():
    claims, _ = claimed([(2.5, 10.5, 0.5), (9.5, 10.5, 0.5)])
    boxes = Shoeboxes.empty(
        np.array([[0, 13, 10, 11, 0, 1]] * 2), np.zeros((2, 3)), np.eye(2)[None].repeat(2, 0), np.ones(2)
    )
    copy_pixels(0, np.array([1, 0]), 0, np.zeros(SHAPE, np.int32), 0.0, 1e6, claims, boxes)  # 1 is claim 0, 0 claim 1
    first, second = boxes.label.reshape(2, 13)
    assert (second[2], second[9], first[2], first[9]) == (OWN, OTHER, OTHER, OWN)


def test_claims_are_given_back_and_untrusted_pixels_stay_so():
    trusted = np.random.default_rng(5).integers(0, 2, SHAPE, np.uint8)
    claims, _ = claimed([(18.5, 10.5, 0.5), (22.5, 10.5, 0.5)], trusted=trusted)
    assert (holders(claims) >= 0).any()
    for n in (3, 1 << 14, 2):
        claims.clear(n)
        np.testing.assert_array_equal(claims.owner != 0, trusted == 0)
        assert (holders(claims) == -1).all()
        assert claims.owner.dtype == (np.uint16 if n == 3 else np.uint32)


def test_a_frame_outside_a_shoebox_is_refused():
    claims, _ = claimed([(20.5, 10.5, 0.5)])
    boxes = Shoeboxes.empty(np.array([[10, 20, 5, 15, 3, 5]]), np.zeros((1, 3)), np.eye(2)[None], np.ones(1))
    boxes.counts[:], boxes.label[:] = UNTRUSTED, FREE
    image = np.zeros(SHAPE, np.int32)
    with pytest.raises(ValueError, match="do not reach over frame 0"):
        copy_pixels(0, np.array([0]), 0, image, 0.0, 1e6, claims, boxes)


def test_counts_down_to_the_least_are_copied():
    claims = ClaimMap.of(np.ones(SHAPE, np.uint8))
    boxes = Shoeboxes.empty(np.array([[0, 4, 0, 1, 0, 1]]), np.zeros((1, 3)), np.eye(2)[None], np.ones(1))
    boxes.counts[:], boxes.label[:] = UNTRUSTED, FREE
    image = np.zeros(SHAPE, np.int32)
    image[0, :4] = (-1, -2, -7, -8)
    copy_pixels(0, np.array([0]), 0, image, -7.0, 1e6, claims, boxes)
    assert boxes.counts.tolist() == [-1, -2, -7, UNTRUSTED]


def nearest_claims(centres, radius, margin):
    """What claim_pixels says, told pixel by pixel: who is nearest, and who of several, for peaks of unit width."""
    slow, fast = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    held, nearest = np.full(SHAPE, -1), np.zeros(SHAPE)
    is_several, contested = np.zeros(SHAPE, bool), np.zeros(len(centres), np.uint8)
    for k, (x, y, z) in enumerate(centres):
        along = 3.0 * max(-z, z - 1, 0.0)
        square = (fast - x) ** 2 + (slow - y) ** 2
        inside = square <= radius**2 - along**2
        square = square + along**2
        taken = inside & (held >= 0)
        contested[np.unique(held[taken])] = 1
        contested[k] |= taken.any()
        nearer = taken & (square < nearest)
        is_several = np.where(taken & (~is_several | nearer), np.abs(square - nearest) < margin, is_several)
        held = np.where(inside & ~taken | nearer, k, held)
        nearest = np.where(inside & ~taken | nearer, square, nearest)
    return np.where(is_several, -2 - held, held), contested


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 25), margin=st.sampled_from([0.0, 5.0]))
def test_crowded_peaks_share_their_pixels_as_told_one_by_one(seed, n, margin):
    """The distances of holders, too, which are worked out again where a second one comes."""
    rng = np.random.default_rng(seed)
    centres = np.column_stack([rng.uniform(-2, 42, n), rng.uniform(-2, 32, n), rng.uniform(-1, 2, n)])
    claims, contested = claimed(centres, margin=margin)
    expected, marked = nearest_claims(centres, 3.0, margin)
    np.testing.assert_array_equal(holders(claims), expected)
    np.testing.assert_array_equal(contested, marked)


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.int16, np.int32]),
    is_wide=st.booleans(),
    n=st.integers(1, 12),
)
def test_every_pixel_of_a_box_is_copied_and_none_beside_it(seed, dtype, is_wide, n):
    """Boxes of any width, on the detector, over its edges and off it; only one of their frames is written."""
    rng = np.random.default_rng(seed)
    low = np.column_stack([rng.integers(-25, 45, n), rng.integers(-20, 35, n), rng.integers(-2, 1, n)])
    size = np.column_stack([rng.integers(1, 35, n), rng.integers(1, 12, n), rng.integers(3, 5, n)])
    bbox = np.stack([low, low + size], axis=2).reshape(n, 6)
    boxes = Shoeboxes.empty(bbox, np.zeros((n, 3)), np.tile(np.eye(2), (n, 1, 1)), np.ones(n))
    boxes.counts[:], boxes.label[:] = 987654, 77
    claims = ClaimMap.of(rng.integers(0, 4, SHAPE, np.uint8).clip(0, 1))
    claims.clear(1 << 14 if is_wide else 3)
    holder = rng.integers(0, n + 2, SHAPE) * (rng.random(SHAPE) < 0.4)
    claims.owner |= holder.astype(claims.owner.dtype)
    image = rng.integers(-3, 12, SHAPE).astype(dtype)
    rows = rng.permutation(n)
    copy_pixels(0, rows, 0, image, -1.0, 9.0, claims, boxes)
    bits = 8 * claims.owner.itemsize
    for number, row in enumerate(rows, 1):
        x0, x1, y0, y1, z0, z1 = bbox[row]
        shape = (z1 - z0, y1 - y0, x1 - x0)
        part = slice(boxes.start[row], boxes.start[row + 1])
        counts, label = boxes.counts[part].reshape(shape), boxes.label[part].reshape(shape)
        is_written = np.arange(z0, z1) == 0
        assert np.all(counts[~is_written] == 987654)
        assert np.all(label[~is_written] == 77)
        y, x = np.mgrid[y0:y1, x0:x1]
        inside = (x >= 0) & (x < SHAPE[1]) & (y >= 0) & (y < SHAPE[0])
        at = (y.clip(0, SHAPE[0] - 1), x.clip(0, SHAPE[1] - 1))
        value = np.where(image[at] >= 9, OVERLOADED, image[at].astype(int))
        is_count = inside & (claims.owner[at] >> (bits - 1) == 0) & (image[at] >= -1)
        whose = np.where(holder[at] == 0, FREE, np.where(holder[at] == number, OWN, OTHER))
        np.testing.assert_array_equal(counts[is_written][0], np.where(is_count, value, UNTRUSTED))
        np.testing.assert_array_equal(label[is_written][0], np.where(inside, whose, FREE))


def test_memory_is_used_again_where_it_is_large_enough():
    memory = PixelMemory()
    one = [np.array([[0, side, 0, side, 0, 1]]) for side in (9, 8, 12)]
    rest = np.zeros((1, 3)), np.eye(2)[None], np.ones(1)
    first = Shoeboxes.empty(one[0], *rest, memory)
    beside = Shoeboxes.empty(one[0], *rest, memory)
    assert not np.shares_memory(first.counts, beside.counts)
    memory.give_back(first)
    smaller = Shoeboxes.empty(one[1], *rest, memory)
    assert np.shares_memory(smaller.counts, first.counts)
    assert np.shares_memory(smaller.label, first.label)
    assert len(smaller.counts) == len(smaller.label) == 64
    memory.give_back(smaller)
    larger = Shoeboxes.empty(one[2], *rest, memory)
    assert not np.shares_memory(larger.counts, first.counts)
    assert len(larger.counts) == 144
