from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

from autoproc.merging.agreement import GroupAgreement
from autoproc.merging.anomalous import anomalous_limit, anomalous_signal


def agreement(plus_minus: np.ndarray, sigma: float = 1.0, count: np.ndarray | None = None) -> GroupAgreement:
    """Of 2 G groups from merged I(+), I(-) (G, 2)."""
    mean = plus_minus.ravel()
    n = np.ones(len(mean), int) if count is None else count.ravel()
    return GroupAgreement(n, mean, np.full(len(mean), sigma), 0 * mean, mean, 0 * mean)


def test_pairs_by_hand():
    """Centric reflections and those of one hand are no pairs."""
    hands = np.array([[10.0, 8.0], [7.0, 7.0], [5.0, 1.0], [3.0, 6.0]])
    count = np.array([[1, 1], [1, 1], [1, 0], [2, 3]])
    found = anomalous_signal(agreement(hands, 2.0, count), np.array([False, True, False, False]))
    assert found.is_pair.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(found.difference, [2.0, np.nan, np.nan, -3.0])
    np.testing.assert_array_equal(found.mean, [9.0, np.nan, np.nan, 4.5])
    np.testing.assert_allclose(found.mean_variance, [2.0, np.nan, np.nan, 2.0])  # (4 + 4) / 4
    assert found.di_over_sigma_di == pytest.approx(2.5 / np.sqrt(8))
    everything = np.ones(4, bool)
    assert found.r_anom(everything) == pytest.approx(5 / 13.5)
    assert found.r_anom(np.array([True, True, True, False])) == pytest.approx(2 / 9)


def test_amplitudes_by_hand():
    """F = 5, 4 and 3, 3: rms difference sqrt(1/2) over rms F sqrt(59 / 4); negative intensities have no F."""
    found = anomalous_signal(agreement(np.array([[25.0, 16.0], [9.0, 9.0], [4.0, -1.0]])), np.zeros(3, bool))
    assert found.df_over_f == pytest.approx(np.sqrt(0.5) / np.sqrt(59 / 4))


def test_r_of_noise_is_none():
    found = anomalous_signal(agreement(np.array([[1.0, -1.0]] * 4)), np.zeros(4, bool))
    assert found.r_anom(np.ones(4, bool)) is None
    assert found.df_over_f is None


def test_without_pairs_nothing_is_said():
    found = anomalous_signal(agreement(np.ones((3, 2))), np.ones(3, bool))
    assert (found.slope, found.df_over_f, found.di_over_sigma_di) == (None, None, None)
    assert found.r_anom(np.ones(3, bool)) is None


@pytest.mark.parametrize("spread", [1.0, 1.7])
def test_slope_of_the_probability_plot_is_the_spread_in_standard_uncertainties(spread):
    """Exact normal quantiles, sigma of each hand 1, of the difference sqrt(2)."""
    delta = spread * np.sqrt(2) * norm.ppf((np.arange(501) + 0.5) / 501)
    hands = 100 + np.column_stack([delta / 2, -delta / 2])
    found = anomalous_signal(agreement(np.random.default_rng(0).permutation(hands)), np.zeros(501, bool))
    assert found.slope == pytest.approx(spread, rel=1e-9)


def test_slope_is_deaf_to_the_tails():
    z = norm.ppf((np.arange(501) + 0.5) / 501)
    delta = np.where(np.abs(z) > 1.0, 50 * z, z)
    hands = 1000 + np.column_stack([delta, -delta]) / np.sqrt(2)
    assert anomalous_signal(agreement(hands), np.zeros(501, bool)).slope == pytest.approx(1.0, rel=1e-9)


def test_a_single_pair_has_no_slope():
    found = anomalous_signal(agreement(np.array([[10.0, 8.0]])), np.zeros(1, bool))
    assert found.slope is None
    assert found.di_over_sigma_di is not None


@pytest.mark.parametrize(
    ("cc", "significant", "limit"),
    [
        ([0.9, 0.8, 0.6, 0.4, 0.1], "ynyyn", 2.2),  # falls as it should
        ([0.9, 0.2, 0.8, 0.6, 0.0], "ynyyn", 2.2),  # one weak shell among strong ones ends nothing
        ([0.9, 0.1, 0.0, 0.5, 0.0], "ynnyn", 2.8),  # one that stands out beyond the end is chance
        ([0.5, 0.4, 0.1, 0.0, 0.0], "nnnnn", None),
        ([None, 0.5, 0.1, 0.0, 0.0], "nynnn", 2.6),
    ],
)
def test_how_far_the_signal_goes_is_not_ended_by_a_single_shell(cc, significant, limit):
    edges = (2.8, 2.6, 2.4, 2.2, 2.0)
    shells = [
        SimpleNamespace(cc_anom=value, cc_anom_significant=mark == "y", n_unique=100, d_min=d)
        for value, mark, d in zip(cc, significant, edges, strict=True)
    ]
    assert anomalous_limit(shells, 0.3) == limit
    assert anomalous_limit([], 0.3) is None
