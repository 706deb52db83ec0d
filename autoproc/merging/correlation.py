"""Correlations of random half data sets: CC1/2 and the anomalous CC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.merging.groups import EquivalentGroups
from autoproc.models.numbering import order_by
from autoproc.models.shell_statistics import Agreement
from autoproc.robust import without_extremes
from autoproc.threads import map_in_order

N_SPLITS = 5
"""Random splits that are averaged; one alone scatters by (1 - CC^2)/sqrt(n), too much in small shells."""
MIN_PAIRS = 3
FEW = 20_000
"""Fewer observations are done sooner than threads are begun."""
SIGNIFICANCE = 0.01
PER_SHELL, MOST_SHELLS = 30, 30
"""Reflections measured twice or more of a shell in which agreement is looked at, at least, and shells at most."""


@dataclass(frozen=True, slots=True, eq=False)
class HalfSets:
    """Means of two random halves of each group of at least two: first, second (n_splits, G), NaN elsewhere.

    anomalous : (n_splits, G, 2) I(+) - I(-) of each half, NaN where either hand has fewer than two, and everywhere if
    they were not asked for
    """

    first: np.ndarray
    second: np.ndarray
    anomalous: np.ndarray

    @classmethod
    def of_means(cls, halves: np.ndarray) -> HalfSets:
        """Of one split, (4, G) as half_set_means gives it."""
        return cls(halves[:1], halves[2:3], np.full((1, halves.shape[1], 2), np.nan))

    def cc_half(self, here: np.ndarray) -> tuple[float | None, int]:
        """CC1/2 of the groups of a mask (G,), averaged over splits, and the number of groups behind it."""
        return _mean_correlation(self.first[:, here], self.second[:, here])

    def steady_cc_half(self, here: np.ndarray) -> tuple[float | None, int]:
        """The same with the extreme means of each half brought to the next, so that no single one decides.

        One wild observation in a shell of a hundred lowers CC1/2 from 1 to 0; so it does hardly (simulated).
        """
        return _mean_correlation(*(_steady(half[:, here]) for half in (self.first, self.second)))

    def cc_anom(self, here: np.ndarray) -> tuple[float | None, int]:
        """Correlation of the two halves' anomalous differences, and the number of pairs behind it."""
        return _mean_correlation(self.anomalous[:, here, 0], self.anomalous[:, here, 1])


def agreement_within_shells(halves: HalfSets, d: np.ndarray) -> Agreement | None:
    """CC1/2 within shells of resolution, without extremes, averaged as Fisher's z; None of fewer than one shell.

    d : (G,) Angstrom. Over all resolutions any intensities correlate that fall with it, if only by their errors.
    """
    known = np.flatnonzero(~np.isnan(halves.first[0]) & ~np.isnan(halves.second[0]))
    if len(known) < PER_SHELL:
        return None
    total, weight = 0.0, 0
    for rows in shells_of_equal_number(d[known] ** -2.0, PER_SHELL, MOST_SHELLS):
        here = np.zeros(len(d), bool)
        here[known[rows]] = True
        cc, n = halves.steady_cc_half(here)
        if cc is not None:
            total, weight = total + (n - 3) * np.arctanh(np.clip(cc, -0.999, 0.999)), weight + n - 3
    return Agreement(float(np.tanh(total / weight)), weight) if weight else None


def half_set_means(groups: EquivalentGroups, intensity: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """(4, G) mean and its sigma of the first random half of each group, then of the second; NaN for groups of one.

    The halves are those of the first split behind CC1/2 of the same observations. Weights are 1/variance.
    """
    random = np.random.default_rng(0)
    canonical = _by_group_and_intensity(groups.anomalous().group, intensity, sigma)
    pairs, weight = _Sorted(groups.group[canonical], len(groups)), sigma[canonical] ** -2.0
    first, second = pairs.halves(
        random.random(len(intensity)), random.random(len(groups)), intensity[canonical], weight
    )
    return np.array([first[0], first[1] ** -0.5, second[0], second[1] ** -0.5])


def half_set_correlations(
    groups: EquivalentGroups, intensity: np.ndarray, sigma: np.ndarray, anomalous: bool = True
) -> HalfSets:
    """Split each group N_SPLITS times at random into halves that differ by at most one observation.

    The draw is by a fixed seed and by rank of intensity within the group, so that the order of the
    observations does not matter. Halves are weighted by 1/variance for CC1/2, unweighted for the
    anomalous differences, where weights would follow the few strongest. The halves are the same without `anomalous`.
    """
    random = np.random.default_rng(0)
    friedel = groups.anomalous()
    canonical = _by_group_and_intensity(friedel.group, intensity, sigma)
    intensity, weight = intensity[canonical], sigma[canonical] ** -2.0
    pairs, hands = _Sorted(groups.group[canonical], len(groups)), _Sorted(friedel.group[canonical], len(friedel))

    def drawn() -> Iterator[tuple[_Sorted, np.ndarray, np.ndarray, np.ndarray]]:
        for _ in range(N_SPLITS):
            key = random.random(len(intensity))
            yield pairs, key, random.random(len(groups)), weight
            extra = random.random(len(friedel))
            if anomalous:
                yield hands, key, extra, np.ones_like(weight)

    found = list(
        map_in_order(lambda d: d[0].half_means(d[1], d[2], intensity, d[3]), drawn(), 1 if len(weight) < FEW else 0)
    )
    step = 2 if anomalous else 1
    first, second = (np.array([means[n] for means in found[::step]]) for n in (0, 1))
    if not anomalous:
        return HalfSets(first, second, np.full((N_SPLITS, len(groups), 2), np.nan))
    apart = np.array(found[1::2]).reshape(N_SPLITS, 2, len(groups), 2)
    anomalous_differences = np.ascontiguousarray((apart[..., 0] - apart[..., 1]).swapaxes(1, 2))
    anomalous_differences[:, groups.is_centric] = np.nan
    return HalfSets(first, second, anomalous_differences)


def _by_group_and_intensity(group: np.ndarray, intensity: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """(N,) order by group, then intensity, then sigma."""
    order = np.argsort(intensity)
    ranked = intensity[order]
    if np.any(ranked[1:] == ranked[:-1]):
        order = np.lexsort((sigma, intensity))
    return order[order_by(group[order])]


def is_significant(correlation: float | None, n: int) -> bool:
    """The correlation of n pairs is above zero at the 1% level (Student's t)."""
    if correlation is None or n < MIN_PAIRS:
        return False
    t = scipy.special.stdtrit(n - 2, 1 - SIGNIFICANCE)
    return bool(correlation > t / np.sqrt(n - 2 + t * t))


class _Sorted:
    """Observations sorted by group: group (N,), of n_groups."""

    def __init__(self, group: np.ndarray, n_groups: int) -> None:
        self.group = group
        self.count = np.bincount(group, minlength=n_groups)
        self.rank = np.arange(len(group)) - (np.cumsum(self.count) - self.count)[group]

    def half_means(
        self, key: np.ndarray, extra: np.ndarray, intensity: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Means (G,) of the observations that come first and last in the order of `key`, 0..1; NaN for single ones.

        extra : (G,) in [0, 1), the first half of an odd group gets the odd one where it is below 0.5
        """
        first, second = self.halves(key, extra, intensity, weight)
        return first[0], second[0]

    def halves(
        self, key: np.ndarray, extra: np.ndarray, intensity: np.ndarray, weight: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same with their weights (G,), NaN for single ones."""
        order = np.argsort(self.group + key)
        n_first = (self.count + (extra < 0.5)) // 2
        weight, intensity = weight[order], intensity[order]
        first = np.where(self.rank < n_first[self.group], weight, 0.0)
        found = []
        for share in (first, weight - first):
            total = np.where(self.count > 1, self._sum(share), np.nan)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = self._sum(share * intensity) / total
            found.append((mean, total))
        return found

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.group, values, minlength=len(self.count))


def _steady(means: np.ndarray) -> np.ndarray:
    """(n_splits, n) means without extremes; NaN stay."""
    known = ~np.isnan(means[0])
    steady = means.copy()
    steady[:, known] = without_extremes(means[:, known])
    return steady


def _mean_correlation(first: np.ndarray, second: np.ndarray) -> tuple[float | None, int]:
    valid = ~np.isnan(first[0]) & ~np.isnan(second[0])
    n = int(np.count_nonzero(valid))
    if n < MIN_PAIRS:
        return None, n
    a = first[:, valid] - first[:, valid].mean(axis=1, keepdims=True)
    b = second[:, valid] - second[:, valid].mean(axis=1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    if not np.all(norm > 0):
        return None, n
    return float(np.mean((a * b).sum(axis=1) / norm)), n
