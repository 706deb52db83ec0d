"""The anomalous signal in merged I(+) and I(-)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from autoproc.merging.agreement import MIN_TOTAL_SIGNAL, GroupAgreement
from autoproc.models.shell_statistics import ShellStatistics

CENTRAL = 0.9
"""The normal probability plot is fitted where the expected deviation is smaller, to be robust to its tails."""


@dataclass(frozen=True, slots=True, eq=False)
class AnomalousSignal:
    """Bijvoet pairs of groups (G,): is_pair bool; difference I(+) - I(-), mean of the two and its variance.

    All three are NaN without a pair.

    slope, df_over_f, di_over_sigma_di as in merging_statistics.MergingStatistics; None without pairs
    """

    is_pair: np.ndarray
    difference: np.ndarray
    mean: np.ndarray
    mean_variance: np.ndarray
    slope: float | None
    df_over_f: float | None
    di_over_sigma_di: float | None

    def r_anom(self, here: np.ndarray) -> float | None:
        """Sum |I(+) - I(-)| / sum mean of the pairs within a mask (G,); None of noise."""
        pairs = self.is_pair & here
        denominator = float(self.mean[pairs].sum())
        if denominator <= MIN_TOTAL_SIGNAL * float(self.mean_variance[pairs].sum()) ** 0.5:
            return None
        return float(np.abs(self.difference[pairs]).sum() / denominator)


def anomalous_signal(friedel: GroupAgreement, is_centric: np.ndarray) -> AnomalousSignal:
    """Differences of Bijvoet pairs.

    friedel : agreement of 2 G groups, I(+) and I(-) of each reflection in turn
    is_centric : (G,), these make no pairs
    """
    count, hands, sigma = (v.reshape(-1, 2) for v in (friedel.count, friedel.mean, friedel.sigma))
    is_pair = (count > 0).all(axis=1) & ~is_centric
    difference = np.where(is_pair, hands[:, 0] - hands[:, 1], np.nan)
    mean = np.where(is_pair, hands.mean(axis=1), np.nan)
    variance = np.where(is_pair, (sigma**2).sum(axis=1) / 4, np.nan)
    if not is_pair.any():
        return AnomalousSignal(is_pair, difference, mean, variance, None, None, None)
    delta, plus_minus = difference[is_pair], hands[is_pair]
    sigma_delta = np.hypot(*sigma[is_pair].T)
    return AnomalousSignal(
        is_pair,
        difference,
        mean,
        variance,
        _probability_plot_slope(delta / sigma_delta),
        _df_over_f(plus_minus),
        float(np.abs(delta).mean() / sigma_delta.mean()),
    )


def anomalous_limit(shells: Sequence[ShellStatistics], cc_limit: float) -> float | None:
    """How far there is an anomalous signal, Angstrom; None where there is none.

    shells : lowest resolution first. A signal falls with resolution: the correlations of half sets are made to fall,
    each with the weight of its reflections, so that no single shell ends it; then the last counts that is above
    cc_limit in this way, and significant by itself.
    """
    known = [s for s in shells if s.cc_anom is not None and s.n_unique > 0]
    if not known:
        return None
    cc = np.array([s.cc_anom for s in known], float)
    weight = np.array([s.n_unique for s in known], float)
    falling = scipy.optimize.isotonic_regression(cc, weights=weight, increasing=False).x
    holds = (falling >= cc_limit) & (cc >= cc_limit) & np.array([s.cc_anom_significant for s in known])
    return known[int(np.flatnonzero(holds)[-1])].d_min if holds.any() else None


def _probability_plot_slope(deviation: np.ndarray) -> float | None:
    """Slope of sorted deviations against normal quantiles, within +-CENTRAL."""
    n = len(deviation)
    expected = scipy.special.ndtri((np.arange(n) + 0.5) / n)
    central = np.abs(expected) < CENTRAL
    x, y = expected[central], np.sort(deviation)[central]
    if len(x) < 2:
        return None
    return float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2))


def _df_over_f(plus_minus: np.ndarray) -> float | None:
    """Rms F(+) - F(-) over rms F, over pairs (n, 2) of positive intensities."""
    f = np.sqrt(plus_minus[(plus_minus > 0).all(axis=1)])
    return float(np.sqrt(np.mean((f[:, 0] - f[:, 1]) ** 2) / np.mean(f**2))) if len(f) else None
