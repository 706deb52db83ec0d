from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoproc.indexing.vectors import choose_vectors


@given(scores=st.lists(st.floats(-1.0, 1.0) | st.just(float("nan")), min_size=1, max_size=8))
def test_any_scores_leave_vectors_or_none(scores):
    vectors = np.diag(np.linspace(5.0, 50.0, 3))[np.arange(len(scores)) % 3] * np.arange(1, len(scores) + 1)[:, None]
    chosen, theirs = choose_vectors(vectors, np.array(scores), 3.0, 1000.0)
    assert chosen.shape == (len(theirs), 3)
    assert np.all(theirs >= 0)


def test_less_order_than_by_chance_is_no_periodicity():
    chosen, scores = choose_vectors(np.diag([10.0, 20.0, 30.0]), np.array([-0.01, -0.2, -0.3]), 3.0, 100.0)
    assert len(chosen) == len(scores) == 0
