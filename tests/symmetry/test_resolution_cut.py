from __future__ import annotations

import numpy as np
import pytest

from autoproc.symmetry.corrected_observations import CorrectedObservations
from autoproc.symmetry.resolution_cut import MIN_KEPT, PER_SHELL, correlation_limit, informative_limit


def falling(n: int, fall: float, first: float = 20.0) -> CorrectedObservations:
    """I/sigma that falls exponentially with 1/d^2 from `first` at 0, without noise; d from 10 to 1 Angstrom."""
    s2 = np.random.default_rng(0).permutation(np.linspace(0.01, 1.0, n))
    nothing = np.zeros((n, 3))
    return CorrectedObservations(
        nothing.astype(int), first * np.exp(-fall * s2), np.ones(n), s2, np.zeros(n, int), s2, nothing
    )


@pytest.mark.parametrize("fall", [4.0, 6.0, 8.0])
def test_the_limit_is_where_i_over_sigma_meets_the_threshold(fall):
    """20 exp(-k s2) = 4 at s2 = ln 5 / k; shells are a twentieth of the range."""
    limit = informative_limit(falling(20000, fall), 4.0)
    assert limit**-2.0 == pytest.approx(np.log(5) / fall, abs=0.05)


def test_strong_data_keep_everything():
    assert informative_limit(falling(5000, 0.5), 4.0) == pytest.approx(1.0)


def test_hopeless_data_keep_everything():
    assert informative_limit(falling(5000, 0.5, first=0.01), 4.0) == pytest.approx(1.0)


def test_the_threshold_is_halved_until_enough_is_left():
    """At 4 a fortieth of the data would be left, at 2 a tenth is; the limit is that of 2."""
    k = 40.0
    few = falling(6000, k)
    assert np.count_nonzero(few.intensity > 4.0) < MIN_KEPT
    limit = informative_limit(few, 4.0)
    kept = few.s2 <= limit**-2.0 + 1e-9
    assert MIN_KEPT <= kept.sum() <= 2 * 6000 / 20
    assert informative_limit(few, 2.0) == limit


def test_the_order_of_observations_does_not_matter():
    of = falling(3000, 6.0)
    order = np.random.default_rng(1).permutation(3000)
    assert informative_limit(of[order], 4.0) == pytest.approx(informative_limit(of, 4.0))


def test_a_handful_of_observations_is_one_shell():
    assert informative_limit(falling(PER_SHELL - 1, 1.0), 4.0) == pytest.approx(1.0)


def test_strong_data_sets_are_compared_as_far_as_they_go():
    assert correlation_limit(falling(5000, 0.5)) == pytest.approx(1.0)


def test_weak_data_sets_are_compared_where_a_correlation_is_the_most_significant():
    """N^1.5 / sum (1 + v), v = exp(2 k s2) / i^2, of reflections spread evenly in s2."""
    weak = falling(20000, 2.0, first=1.0)
    s2 = np.linspace(0.01, 1.0, 20000)
    significance = np.arange(1, 20001) ** 1.5 / np.cumsum(1 + np.exp(4 * s2))
    limit = correlation_limit(weak)
    assert limit**-2.0 == pytest.approx(s2[np.argmax(significance)], abs=0.05)
    assert limit < informative_limit(weak, 0.8)


def test_data_without_signal_have_a_limit_too():
    assert 1.0 <= correlation_limit(falling(3000, 1.0, first=-0.1)) <= 10.0
