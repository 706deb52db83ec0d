from __future__ import annotations

import numpy as np
import pytest

from autoproc.robust import robust_sigma


def test_spread_of_a_normal_law_whatever_its_outliers():
    deviations = np.random.default_rng(0).normal(0, [1.0, 5.0], (20000, 2))
    deviations[::50] = 1e6
    assert robust_sigma(deviations) == pytest.approx([1.0, 5.0], rel=0.05)
