"""The longest axis that the distances of spots allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_spots import miller_indices, setting

from autoproc.indexing import max_cell
from autoproc.indexing.max_cell import MARGIN, estimate_max_cell, merge_close


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_of_close_points_those_without_an_earlier_neighbour_are_kept(seed, n):
    points = np.random.default_rng(seed).uniform(0, 1, (n, 3))
    kept = [row for row, p in enumerate(points) if not any(np.linalg.norm(p - q) <= 0.2 for q in points[:row])]
    np.testing.assert_array_equal(merge_close(points, 0.2), points[kept])


@pytest.mark.parametrize("longest", [40.0, 90.0, 300.0])
def test_a_full_lattice_has_its_longest_axis_and_a_margin(longest):
    A = setting((30.0, 35.0, longest, 90.0, 90.0, 90.0), 2)
    rlp = miller_indices(A, 6.0) @ A.T
    assert estimate_max_cell(rlp, 1e-5) == pytest.approx(MARGIN * longest, rel=1e-6)


def test_a_twentieth_of_chance_encounters_does_not_count():
    A = setting((30.0, 35.0, 60.0, 90.0, 90.0, 90.0), 2)
    rlp = miller_indices(A, 4.0) @ A.T
    n = len(rlp) // 100
    near = rlp[:: len(rlp) // n][:n] + [0.004, 0.0, 0.0]
    assert estimate_max_cell(np.concatenate([rlp, near]), 1e-5) == pytest.approx(MARGIN * 60.0, rel=1e-6)


def test_limits_hold_whatever_the_spots():
    assert estimate_max_cell(np.zeros((1, 3)), 1e-4) == 10.0
    assert estimate_max_cell(np.zeros((0, 3)), 1e-4) == 10.0
    assert estimate_max_cell(np.eye(3) * 9, 1e-4) == 10.0
    line = np.column_stack([np.arange(40) * 4e-4, np.zeros(40), np.zeros(40)])
    assert estimate_max_cell(line, 1e-6) == 2000.0


def pairs_at(distances):
    """Pairs of points so far apart, each pair far from the others."""
    first = np.column_stack([np.arange(len(distances)) * 10.0, np.zeros((len(distances), 2))])
    return np.concatenate([first, first + np.column_stack([distances, np.zeros((len(distances), 2))])])


def test_the_distance_that_counts_is_at_a_twentieth_or_the_eleventh():
    """Of 40 pairs, 80 distances, the eleventh is that of the sixth pair; of 160 pairs the seventeenth of the ninth."""
    few, many = np.linspace(0.01, 0.05, 40), np.linspace(0.01, 0.05, 160)
    assert estimate_max_cell(pairs_at(few), 1e-6) == pytest.approx(MARGIN / few[5])
    assert estimate_max_cell(pairs_at(many), 1e-6) == pytest.approx(MARGIN / many[8])
    assert estimate_max_cell(pairs_at(few[:2]), 1e-6) == pytest.approx(MARGIN / few[1])


def test_parts_of_a_spot_within_three_pixels_are_one():
    near, apart = np.r_[np.full(20, 0.0029), np.full(40, 0.02)], np.r_[np.full(20, 0.0031), np.full(40, 0.02)]
    assert estimate_max_cell(pairs_at(apart), 1e-3) == pytest.approx(MARGIN / 0.0031)
    assert estimate_max_cell(pairs_at(near), 1e-3) == pytest.approx(MARGIN / 0.02)


def test_of_many_points_those_of_lowest_resolution_tell(monkeypatch):
    A = setting((30.0, 35.0, 60.0, 90.0, 90.0, 90.0), 2)
    inner = miller_indices(A, 6.0) @ A.T
    direction = np.random.default_rng(0).normal(size=(len(inner), 3))
    outer = direction / np.linalg.norm(direction, axis=1, keepdims=True) / 3.0
    both = np.random.default_rng(1).permutation(np.concatenate([inner, outer, outer + 1e-3]))
    assert estimate_max_cell(both, 1e-5) > 100
    monkeypatch.setattr(max_cell, "MAX_POINTS", len(inner))
    assert estimate_max_cell(both, 1e-5) == pytest.approx(MARGIN * 60.0, rel=1e-6)
