"""An observation against the others of its reflection, as counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.merging.against_others import against_others


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40))
def test_each_is_compared_with_the_others_that_are_used(seed, n):
    rng = np.random.default_rng(seed)
    value, variance = rng.normal(100, 10, n), rng.uniform(0.5, 5, n)
    is_used, group = rng.random(n) < 0.7, rng.integers(0, 5, n)
    found = against_others(value, variance, is_used, group)
    for i in range(n):
        others = is_used & (group == group[i]) & (np.arange(n) != i)
        assert found.n[i] == others.sum()
        if not others.any():
            assert np.isnan([found.mean[i], found.sigma[i], found.deviation[i]]).all()
            continue
        mean = np.average(value[others], weights=1 / variance[others])
        of_mean = 1 / np.sum(1 / variance[others])
        assert found.mean[i] == pytest.approx(mean, rel=1e-9)
        assert found.sigma[i] == pytest.approx(np.sqrt(of_mean), rel=1e-9)
        assert found.deviation[i] == pytest.approx((value[i] - mean) / np.sqrt(variance[i] + of_mean), abs=1e-7)


def test_what_has_no_uncertainty_has_no_deviation_and_does_not_count():
    found = against_others(
        np.array([1.0, np.nan, 3.0]), np.array([1.0, 0.0, 1.0]), np.array([True, False, True]), np.zeros(3, np.intp)
    )
    assert np.isnan(found.deviation[1])
    assert found.mean.tolist() == [3.0, 2.0, 1.0]
