"""Agreement of pairs of equivalents against dose: Rd, Rcp and Scp.

Rd : Diederichs (2006), Acta D62, 96. Rcp and Scp : Winter et al. (2019), Acta D75, 242, as DIALS computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autoproc.damage.dose import DoseAxis

EXPECTED_PART = 1.1284
"""Mean of |x - y| of two normal variables of unit variance, 2 / sqrt(pi): R of pairs without damage, times I/sigma."""
LEAST_SIGNALS = 100
"""A shell counts for Scp once it has more intensities in pairs, twice the number of pairs; as DIALS has it."""


@dataclass(frozen=True, slots=True, eq=False)
class PairStatistics:
    """Sums over pairs of equivalents, by step of dose.

    rcp, scp : (K,) of all pairs that were complete by the end of each step; NaN while there are none. scp is the mean
        of the shells that have one; DIALS counts those that have none as 0
    rcp_shells, scp_shells : (S, K) the same in shells of resolution
    rd : (K,) of pairs k steps apart, NaN without pairs; n_pairs : (K,) of them
    """

    rcp: np.ndarray
    rcp_shells: np.ndarray
    scp: np.ndarray
    scp_shells: np.ndarray
    rd: np.ndarray
    n_pairs: np.ndarray


def pair_statistics(
    group: np.ndarray, intensity: np.ndarray, sigma: np.ndarray, step: np.ndarray, shell: np.ndarray, n_shells: int,
    axis: DoseAxis,
) -> PairStatistics:  # fmt: skip
    """Compare every two observations of a reflection.

    group : (N,) what each observation measures, >= 0; step : (N,) of dose; shell : (N,) of resolution, from 0
    """
    n = axis.n_steps
    order = np.lexsort((step, group))
    group, step, shell = group[order], step[order], shell[order]
    intensity, ratio = intensity[order], (intensity / sigma)[order]
    sums = np.zeros((4, n_shells * n))
    apart = np.zeros((3, n))
    for first, second in _pairs(group):
        difference = np.abs(intensity[first] - intensity[second])
        mean = 0.5 * (intensity[first] + intensity[second])
        place = shell[second] * n + step[second]  # the later of the two
        for k, values in enumerate((difference, np.abs(mean), ratio[first] + ratio[second], None)):
            sums[k] += np.bincount(place, values, minlength=n_shells * n)
        lag = step[second] - step[first]
        for k, values in enumerate((difference, mean, None)):
            apart[k] += np.bincount(lag, values, minlength=n)
    total = np.cumsum(sums.reshape(4, n_shells, n), axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        rcp_shells = total[0] / np.where(total[1] > 0, total[1], np.nan)
        rcp = total[0].sum(axis=0) / np.where(total[1].sum(axis=0) > 0, total[1].sum(axis=0), np.nan)
        expected = EXPECTED_PART / (total[2] / (2 * total[3]))
        scp_shells = np.where(2 * total[3] > LEAST_SIGNALS, rcp_shells / expected, np.nan)
        rd = apart[0] / np.where(apart[1] > 0, apart[1], np.nan)
    known = np.isfinite(scp_shells)
    scp = np.where(known, scp_shells, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    return PairStatistics(rcp, rcp_shells, scp, scp_shells, rd, apart[2].astype(np.int64))


def rd_beyond_errors(
    group: np.ndarray, intensity: np.ndarray, sigma: np.ndarray, step: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rd (K,) less what the errors lead to expect, NaN without pairs, and the number of pairs k steps apart (K,).

    Pairs far apart may be of weaker reflections than those close by, as in a wedge, so that Rd itself grows without
    damage; this does not. Of normal errors the mean of |x - y| is EXPECTED_PART / sqrt(2) times that of x - y.
    """
    order = np.lexsort((step, group))
    group, step, intensity, variance = group[order], step[order], intensity[order], sigma[order] ** 2
    beyond, mean, n_pairs = np.zeros((3, n_steps))
    for first, second in _pairs(group):
        error = EXPECTED_PART * np.sqrt(0.5 * (variance[first] + variance[second]))
        lag = step[second] - step[first]
        beyond += np.bincount(lag, np.abs(intensity[first] - intensity[second]) - error, n_steps)
        mean += np.bincount(lag, 0.5 * (intensity[first] + intensity[second]), n_steps)
        n_pairs += np.bincount(lag, minlength=n_steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        return beyond / np.where(mean > 0, mean, np.nan), n_pairs.astype(np.int64)


def _pairs(group: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of both of every pair in groups (N,), which are sorted: those one place apart, then two places, ..."""
    first = np.arange(len(group))
    for lag in range(1, len(group)):
        first = first[first < len(group) - lag]
        first = first[group[first] == group[first + lag]]
        if not len(first):
            return
        yield first, first + lag
