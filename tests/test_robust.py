from __future__ import annotations

import numpy as np
import pytest

from autoproc.robust import robust_sigma, without_extremes


def test_spread_of_a_normal_law_whatever_its_outliers():
    deviations = np.random.default_rng(0).normal(0, [1.0, 5.0], (20000, 2))
    deviations[::50] = 1e6
    assert robust_sigma(deviations) == pytest.approx([1.0, 5.0], rel=0.05)


@pytest.mark.parametrize("n", [3, 50, 101, 1000])
def test_a_hundredth_at_either_end_is_brought_to_the_next(n):
    values = np.random.default_rng(1).permutation(n).astype(float)
    steady, n_brought = without_extremes(np.stack([values, -values])), -(-(n - 1) // 100)
    np.testing.assert_array_equal(steady[0], np.clip(values, n_brought, n - 1 - n_brought))
    np.testing.assert_array_equal(steady[1], -steady[0])


def test_neither_of_two_is_an_extreme():
    np.testing.assert_array_equal(without_extremes(np.array([1.0, 9.0])), [1.0, 9.0])
