from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.damage.decay import MIN_OBSERVATIONS, decay_of


@settings(max_examples=20, deadline=None)
@given(b=st.floats(-30, 30), scale=st.floats(0.2, 3), seed=st.integers(0, 1000))
def test_scale_and_b_are_told_apart(b, scale, seed):
    random = np.random.default_rng(seed)
    d, part = random.uniform(1.5, 10, 600), np.repeat(np.arange(3), 200)
    c = np.array([0.7, 0.7, 0.7 * scale])[part]
    g = c * np.exp(-np.array([5.0, 5.0, 5.0 + b])[part] / (2 * d**2))
    found = decay_of(g, d, part, 3)
    assert found.b == pytest.approx([0, 0, b], abs=1e-6)
    assert found.scale == pytest.approx([1, 1, scale], rel=1e-6)


def test_parts_with_few_observations_are_not_told():
    n = MIN_OBSERVATIONS - 1
    found = decay_of(np.ones(n + 100), np.linspace(1.5, 5, n + 100), np.repeat([0, 2], [n, 100]), 3)
    assert np.isnan(found.b).tolist() == [True, True, False]
    assert found.b[2] == pytest.approx(0.0)


def test_nothing_known_is_no_error():
    assert np.isnan(decay_of(np.ones(3), np.full(3, 2.0), np.zeros(3, int), 2).b).all()
