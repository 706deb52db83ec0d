"""Weighted means of equivalent observations, and how far the observations are from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.merging.groups import EquivalentGroups
from autoproc.robust import without_extremes

MIN_TOTAL_SIGNAL = 3.0
"""Standard uncertainties by which a sum of intensities exceeds zero; an R factor is a part of that sum, and a part
of nothing, or of less than nothing, has no meaning."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupAgreement:
    """Per group (G,) of one or more observations; groups without observations are left out of the R factors.

    count; mean and sigma: weighted by 1/variance; absolute: sum |I - mean|; total: sum I, and its variance
    """

    count: np.ndarray
    mean: np.ndarray
    sigma: np.ndarray
    absolute: np.ndarray
    total: np.ndarray
    total_variance: np.ndarray

    def __len__(self) -> int:
        return int(np.count_nonzero(self.count))

    def __getitem__(self, here: np.ndarray) -> GroupAgreement:
        """The groups of a mask (G,)."""
        return GroupAgreement(
            self.count[here], self.mean[here], self.sigma[here], self.absolute[here], self.total[here],
            self.total_variance[here],
        )  # fmt: skip

    @property
    def mean_intensity(self) -> float | None:
        """<I> over unique reflections."""
        return float(self.mean[self.count > 0].mean()) if len(self) else None

    @property
    def i_over_sigma(self) -> float | None:
        """<I/sigma(I)> over unique reflections."""
        seen = self.count > 0
        return float((self.mean[seen] / self.sigma[seen]).mean()) if len(self) else None

    @property
    def r_merge(self) -> float | None:
        """Sum |I - <I>| / sum I over groups of at least two."""
        return self._r_factor(np.ones_like)

    @property
    def r_meas(self) -> float | None:
        """The same with each group's deviations times sqrt(n / (n - 1))."""
        return self._r_factor(lambda n: np.sqrt(n / (n - 1)))

    @property
    def r_pim(self) -> float | None:
        """The same with each group's deviations times sqrt(1 / (n - 1))."""
        return self._r_factor(lambda n: np.sqrt(1 / (n - 1)))

    @property
    def steady_r_meas(self) -> float | None:
        """Rmeas that no single observation decides: extreme sums of groups (1%, one at least) count as the next do."""
        several = self.count > 1
        if not several.any():
            return None
        n = self.count[several].astype(float)
        total = without_extremes(self.total[several])
        total_variance = without_extremes(self.total_variance[several])
        denominator = float(total.sum())
        if denominator <= MIN_TOTAL_SIGNAL * float(total_variance.sum()) ** 0.5:
            return None
        return float(without_extremes(np.sqrt(n / (n - 1)) * self.absolute[several]).sum() / denominator)

    def _r_factor(self, factor) -> float | None:  # type: ignore[no-untyped-def]
        several = self.count > 1
        denominator = float(self.total[several].sum())
        if denominator <= MIN_TOTAL_SIGNAL * float(self.total_variance[several].sum()) ** 0.5:
            return None
        return float((factor(self.count[several].astype(float)) * self.absolute[several]).sum() / denominator)


def group_agreement(groups: EquivalentGroups, intensity: np.ndarray, sigma: np.ndarray) -> GroupAgreement:
    """Means and deviations of observations (N,) in their groups; sigma > 0."""
    mean, merged_sigma = groups.weighted_mean(intensity, sigma**2)
    absolute = groups.sum(np.abs(intensity - mean[groups.group]))
    total_variance = groups.sum(sigma**2)
    return GroupAgreement(groups.count, mean, merged_sigma, absolute, groups.sum(intensity), total_variance)
