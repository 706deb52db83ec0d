from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from synthetic_spots import miller_indices, setting

from autoproc.indexing.vectors import FIRST_POINTS, MIN_PROMISING, choose_vectors, refine_vectors


@given(scores=st.lists(st.floats(-1.0, 1.0) | st.just(float("nan")), min_size=1, max_size=8))
def test_any_scores_leave_vectors_or_none(scores):
    vectors = np.diag(np.linspace(5.0, 50.0, 3))[np.arange(len(scores)) % 3] * np.arange(1, len(scores) + 1)[:, None]
    chosen, theirs = choose_vectors(vectors, np.array(scores), 3.0, 1000.0)
    assert chosen.shape == (len(theirs), 3)
    assert np.all(theirs >= 0)


def test_less_order_than_by_chance_is_no_periodicity():
    chosen, scores = choose_vectors(np.diag([10.0, 20.0, 30.0]), np.array([-0.01, -0.2, -0.3]), 3.0, 100.0)
    assert len(chosen) == len(scores) == 0


def test_many_points_move_only_what_some_of_them_find_promising():
    """Vectors of the lattice come to where they come alone, whatever stands beside them."""
    A = setting((31.0, 42.0, 55.0, 83.0, 97.0, 102.0), 1)
    rlp = miller_indices(A, 2.0) @ A.T
    rlp = rlp[np.random.default_rng(0).permutation(len(rlp))[: 4 * FIRST_POINTS]]
    good = np.linalg.inv(A) + np.random.default_rng(4).normal(size=(3, 3)) * 0.1
    poor = np.random.default_rng(5).normal(size=(40, 3)) * 30
    alone, scores = refine_vectors(good, rlp)
    beside, all_scores = refine_vectors(np.concatenate([poor, good]), rlp)
    np.testing.assert_allclose(alone, np.linalg.inv(A), atol=1e-3)
    np.testing.assert_allclose(beside[40:], alone, atol=1e-9)
    np.testing.assert_allclose(all_scores[40:], scores, atol=1e-9)
    by_some = refine_vectors(np.concatenate([poor, good]), rlp[:: len(rlp) // FIRST_POINTS])[1]
    left = by_some < 0.5 * MIN_PROMISING
    assert left.sum() > 20
    assert all_scores[left].max() < 2 * MIN_PROMISING


def test_no_vectors_have_no_scores():
    assert [len(found) for found in refine_vectors(np.empty((0, 3)), np.ones((5, 3)))] == [0, 0]
