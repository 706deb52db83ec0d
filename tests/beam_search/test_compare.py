from __future__ import annotations

import numpy as np
import pytest

from autoproc.beam_search.compare import advantage, confidence


def test_an_advantage_that_all_spots_share_is_clear_however_much_they_scatter():
    rng = np.random.default_rng(0)
    other = rng.uniform(-1, 1, 400)
    one = other + 0.05 + rng.normal(scale=0.05, size=400)
    assert advantage(one, other) == pytest.approx(20, abs=2)
    assert advantage(other, one) == pytest.approx(-advantage(one, other))
    assert advantage(rng.permutation(one), other) < 4


def test_no_difference_is_no_advantage():
    same = np.random.default_rng(1).random(50)
    assert advantage(same, same) == 0.0
    assert advantage(np.empty(0), np.empty(0)) == 0.0


def test_confidence_grows_from_a_half():
    assert confidence(0.0) == 0.5
    assert confidence(-6.0) < 0.01
    assert confidence(6.0) > 0.99
    assert confidence(np.inf) == 1.0
