"""Quality of the data in consecutive parts of the dose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.damage.drift import random_halves
from autoproc.merging.groups import EquivalentGroups

MIN_PAIRS = 10
"""Reflections from which a correlation is worth printing."""


@dataclass(frozen=True, slots=True)
class DosePart:
    """One part of the dose, and all data up to its end.

    dose : at its end; n : observations; i_over_sigma : mean of theirs
    cc_half : CC1/2 of its observations; cc_half_so_far : of all up to its end; cc_first : of its mean intensities with
        those of the first part. None where too few reflections tell
    multiplicity : of all up to its end
    """

    dose: float
    n: int
    i_over_sigma: float | None
    cc_half: float | None
    cc_half_so_far: float | None
    cc_first: float | None
    multiplicity: float


def parts_of(
    groups: EquivalentGroups, intensity: np.ndarray, sigma: np.ndarray, part: np.ndarray, ends: np.ndarray
) -> tuple[DosePart, ...]:
    """Observations (N,) in parts (N,) of the dose, which end at ends (P,)."""
    half = random_halves(groups.group, len(groups)) == 0

    def mean(here: np.ndarray) -> np.ndarray:
        return groups.subset(here).weighted_mean(intensity[here], sigma[here] ** 2)[0]

    first = mean(part == 0)
    found = []
    for n, end in enumerate(ends):
        here, so_far = part == n, part <= n
        seen = int(np.count_nonzero(groups.subset(so_far).count))
        count = int(here.sum())
        found.append(
            DosePart(
                float(end),
                count,
                float((intensity[here] / sigma[here]).mean()) if count else None,
                _correlation(mean(here & half), mean(here & ~half)),
                _correlation(mean(so_far & half), mean(so_far & ~half)),
                _correlation(first, mean(here)) if n else None,
                float(so_far.sum() / seen) if seen else 0.0,
            )
        )
    return tuple(found)


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Of means (G,) where both are known."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < MIN_PAIRS or not (np.ptp(a[both]) > 0 and np.ptp(b[both]) > 0):
        return None
    return float(np.corrcoef(a[both], b[both])[0, 1])
