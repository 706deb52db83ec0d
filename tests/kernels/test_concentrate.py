"""Concentration steps against the same in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.concentrate import concentrate


def by_numpy(z, distance, h, steps):
    last = np.inf
    for _ in range(steps):
        nearest = np.argsort(distance, kind="stable")[:h]
        centre, covariance = z[:, nearest].mean(axis=1), np.cov(z[:, nearest]) + 1e-12 * np.eye(len(z))
        found = np.linalg.slogdet(covariance)[1]
        if found >= last - 1e-9:
            break
        last = found
        off = z - centre[:, None]
        distance = np.einsum("in,ij,jn->n", off, np.linalg.inv(covariance), off)
    return centre, covariance, found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(12, 90), st.integers(1, 30))
def test_half_of_the_points_come_to_lie_close(seed, p, n, steps):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(p, n))
    z[:, : n // 4] += 9.0
    distance = np.square(z).sum(axis=0)
    h = (n + p + 1) // 2
    for found, expected in zip(concentrate(z, distance, h, steps), by_numpy(z, distance, h, steps), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_of_points_as_near_the_first_are_taken():
    z = np.array([[0.0, 1, 5, 2, 7, 3]])
    centre, covariance, found = concentrate(z, np.array([1.0, 1, 0, 1, 1, 1]), 4, 1)
    assert centre == pytest.approx([2.0])
    assert covariance == pytest.approx(np.array([[np.var([0, 1, 5, 2], ddof=1)]]))
    assert found == pytest.approx(np.log(covariance[0, 0]))


def test_points_all_alike_have_no_spread_and_no_end():
    _, covariance, found = concentrate(np.ones((2, 9)), np.zeros(9), 5, 50)
    np.testing.assert_allclose(covariance, 1e-12 * np.eye(2))
    assert found == pytest.approx(2 * np.log(1e-12))


def test_distances_given_are_left_as_they_are():
    z = np.random.default_rng(0).normal(size=(3, 20))
    distance = np.square(z).sum(axis=0)
    before = distance.copy()
    concentrate(z, distance, 12, 5)
    np.testing.assert_array_equal(distance, before)


def test_wrong_arguments_are_refused():
    z = np.ones((2, 5))
    for h in (1, 6):
        with pytest.raises(ValueError, match="h is"):
            concentrate(z, np.zeros(5), h, 3)
    with pytest.raises(ValueError, match="steps is 0"):
        concentrate(z, np.zeros(5), 3, 0)
    with pytest.raises(ValueError, match="distance is of shape"):
        concentrate(z, np.zeros(4), 3, 1)
    with pytest.raises(ValueError, match="must be finite"):
        concentrate(z, np.array([0, 1, np.nan, 2, 3]), 3, 1)
