"""The nearest of many points, against all distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.nearest_points import PointGrid


def by_distance(points: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    d2 = ((queries[:, None] - points) ** 2).sum(axis=-1)
    return np.argsort(d2, axis=1, kind="stable")[:, :k]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), d=st.integers(1, 3), n=st.integers(1, 300), k=st.integers(1, 64),
    per_cell=st.integers(1, 40), spread=st.sampled_from([(1, 1, 1), (1000, 1, 0.01), (1, 0, 5)]),
)  # fmt: skip
def test_they_are_those_of_the_least_distances(seed, d, n, k, per_cell, spread):
    random = np.random.default_rng(seed)
    points = (random.normal(size=(n, 3)) * spread)[:, :d]
    queries = (random.normal(size=(20, 3)) * 2 * np.array(spread))[:, :d]
    k = min(n, k)
    found = PointGrid(points, per_cell).nearest(queries, k)
    np.testing.assert_array_equal(found, by_distance(points, queries, k))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_of_equal_distances_the_first_points_count(d):
    """On whole numbers there are many of them, and many points in one place."""
    random = np.random.default_rng(d)
    points, queries = random.integers(0, 5, (400, d)), random.integers(-1, 6, (50, d))
    np.testing.assert_array_equal(PointGrid(points).nearest(queries, 12), by_distance(points, queries, 12))


def test_points_far_from_all_others_are_found_too():
    random = np.random.default_rng(5)
    points = random.normal(size=(2000, 2))
    points[:3] = [[1e9, 0], [0, -1e9], [-1e9, 1e9]]
    queries = np.concatenate([points[:3], points[10:40], [[1e12, -1e12]]])
    np.testing.assert_array_equal(PointGrid(points).nearest(queries, 5), by_distance(points, queries, 5))


def test_all_in_one_place():
    points = np.ones((50, 3))
    assert PointGrid(points).nearest(np.zeros((1, 3)), 6).tolist() == [[0, 1, 2, 3, 4, 5]]


@pytest.mark.parametrize("k", [0, 4, 65])
def test_no_more_neighbours_than_points(k):
    with pytest.raises(ValueError, match="number of neighbours"):
        PointGrid(np.zeros((3, 2))).nearest(np.zeros((1, 2)), k)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e200])
def test_what_is_no_place_is_refused(value):
    points = np.zeros((5, 2))
    points[2, 1] = value
    with pytest.raises(ValueError, match="finite"):
        PointGrid(points)
    with pytest.raises(ValueError, match="finite"):
        PointGrid(np.zeros((5, 2))).nearest(points, 1)


@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected"):
        PointGrid(np.zeros(shape))


def test_points_by_cell_are_all_of_them_and_close_to_those_beside():
    points = np.random.default_rng(3).uniform(0, 100, (4000, 2))
    order = PointGrid(points, 10).by_cell
    assert np.array_equal(np.sort(order), np.arange(4000))
    step = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    assert np.median(step) < 8  # a cell is 5 wide; of points in no order it is 50
