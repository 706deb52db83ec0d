"""Which intensity to scale: profile-fitted, summation, or a blend by intensity.

Profile fitting is better for weak reflections, summation for the strongest where the profile does not fit
to within the counting errors. I = w I_prf + (1 - w) I_sum with w = 1/(1 + (I_raw/I_mid)^3), as in AIMLESS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.merging.agreement import group_agreement
from autoproc.robust import without_largest
from autoproc.scaling.unscaled_observations import Intensities, UnscaledObservations

PROFILE = 0.0
"""I_mid that stands for profile fitting alone, as DIALS writes it."""
SUMMATION = 1.0
"""I_mid that stands for summation alone."""
POWER = 3


@dataclass(frozen=True, slots=True)
class IntensityChoice:
    """One choice, i_mid in photons (0 profile, 1 summation), and the steady Rmeas it gives; None if nothing is left."""

    i_mid: float
    r_meas: float | None

    @property
    def name(self) -> str:
        """For people."""
        return {PROFILE: "profile", SUMMATION: "summation"}.get(self.i_mid, f"combined, Imid = {self.i_mid:.1f}")


def blend(observations: UnscaledObservations, i_mid: float) -> Intensities:
    """Intensities of a choice; where one estimate failed, the other stands in if a blend was asked for."""
    profile, summation = observations.profile, observations.summation
    if i_mid == PROFILE:
        return profile
    if i_mid == SUMMATION:
        return summation
    weight = 1.0 / (1.0 + (np.maximum(observations.raw, 0.0) / i_mid) ** POWER)
    weight = np.where(np.isnan(profile.value), 0.0, np.where(np.isnan(summation.value), 1.0, weight))

    def mix(p: np.ndarray, s: np.ndarray) -> np.ndarray:
        both = weight * np.nan_to_num(p) + (1 - weight) * np.nan_to_num(s)
        return np.where(np.isnan(p) & np.isnan(s), np.nan, both)

    return Intensities(mix(profile.value, summation.value), mix(profile.variance, summation.variance))


def candidates(observations: UnscaledObservations) -> list[float]:
    """I_mid values worth a try: profile, summation, the mean and decades below the strongest but one."""
    raw = observations.raw[np.isfinite(observations.raw)]
    if not len(raw) or np.all(np.isnan(observations.profile.value)):
        return [SUMMATION]
    if np.all(np.isnan(observations.summation.value)):
        return [PROFILE]
    raw = without_largest(raw)
    mean = max(10.0, float(raw.mean()))
    result, i_mid = [PROFILE, SUMMATION, mean], float(raw.max()) / 10
    while i_mid > mean:
        result.append(i_mid)
        i_mid /= 10
    return result


def best_choice(
    observations: UnscaledObservations, factors: np.ndarray, kept: np.ndarray
) -> tuple[IntensityChoice, ...]:
    """All candidates, the one of lowest Rmeas first; profile fitting wins ties.

    factors : (N,) inverse scales; kept : (N,) bool, no outliers. The same observations judge all candidates:
    those with I > sigma by either estimate, so that no choice gains by losing weak ones.
    """
    with np.errstate(invalid="ignore"):
        both = kept & np.isfinite(observations.profile.value) & np.isfinite(observations.summation.value)
        strong = both & (observations.profile.value > np.sqrt(observations.profile.variance))
    tried = []
    for i_mid in candidates(observations):
        use = strong if strong.any() else kept
        chosen = blend(observations, i_mid)[use]
        sigma = np.sqrt(chosen.variance) / factors[use]
        fine = np.isfinite(sigma) & (sigma > 0)
        if not fine.any():
            tried.append(IntensityChoice(i_mid, None))
            continue
        groups = observations.groups.subset(use).subset(fine)
        agreement = group_agreement(groups, (chosen.value / factors[use])[fine], sigma[fine])
        tried.append(IntensityChoice(i_mid, agreement.steady_r_meas))
    return tuple(sorted(tried, key=lambda c: np.inf if c.r_meas is None or c.r_meas < 0 else round(c.r_meas, 9)))
