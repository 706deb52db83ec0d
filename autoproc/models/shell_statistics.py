"""Merging statistics, overall and by resolution shell; merging.merging_statistics computes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

NOISE = 0.5
"""Mean I/sigma of merged intensities below which R factors are of noise: they grow without end as the mean goes to
zero, whatever the data are worth. Chosen; half of what is usually called the end of the data."""

SURELY = 2.33
"""Standard errors: the 1% level, one-sided."""
NONE_AT_ALL = 0.3
"""CC1/2 below which, surely, equivalents do not agree: where its fit falls to it data are said to end. Chosen."""
ARTEFACT = 0.1
"""CC1/2 that intensities without anything in common may have all the same: observations with weights from their own
intensities have 0.07, because means of few and of many then differ (simulated)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far equivalents agree once resolution, with which all intensities fall, is taken out.

    cc : CC1/2 within shells of resolution, all together; n : reflections behind it, less three for each shell
    """

    cc: float
    n: int

    @property
    def is_none(self) -> bool:
        """Hardly above zero, if at all, and surely less than data have where they end: too few tell nothing."""
        z, error = math.atanh(min(max(self.cc, -0.999), 0.999)), SURELY / math.sqrt(max(self.n, 1))
        return z < max(error, ARTEFACT) and z + error < math.atanh(NONE_AT_ALL)


@dataclass(frozen=True, slots=True)
class ShellStatistics:
    """Statistics of one resolution range. None where there is nothing to compute a value from.

    d_max, d_min in Angstrom; completeness and anomalous_completeness in percent; R factors and correlations
    as fractions; those ending in _anom keep I(+) and I(-) apart. multiplicity is observations per unique
    reflection, anomalous_multiplicity per I(+) or I(-). significant: positive at the 1% level.
    steady_r_meas is Rmeas without the extreme hundredth, by which choices are made.
    """

    d_max: float
    d_min: float
    n_observations: int
    n_unique: int
    completeness: float
    multiplicity: float
    mean_intensity: float | None
    i_over_sigma: float | None
    r_merge: float | None
    r_meas: float | None
    r_pim: float | None
    r_merge_anom: float | None
    r_meas_anom: float | None
    r_pim_anom: float | None
    r_anom: float | None
    cc_half: float | None
    cc_half_significant: bool
    cc_anom: float | None
    cc_anom_significant: bool
    anomalous_completeness: float
    anomalous_multiplicity: float
    steady_r_meas: float | None = None

    @property
    def is_noise(self) -> bool:
        """Its R factors tell nothing."""
        return self.i_over_sigma is not None and self.i_over_sigma < NOISE


@dataclass(frozen=True, slots=True)
class MergingStatistics:
    """Statistics of all observations and of each shell, lowest resolution first.

    anomalous_slope : of the normal probability plot of anomalous differences (Howell & Smith 1992), |x| < 0.9
    df_over_f : rms anomalous difference over rms amplitude
    di_over_sigma_di : mean |I(+) - I(-)| over its mean standard uncertainty
    agreement : of all equivalents, within shells; None where too few were measured twice
    """

    overall: ShellStatistics
    shells: tuple[ShellStatistics, ...]
    anomalous_slope: float | None = None
    df_over_f: float | None = None
    di_over_sigma_di: float | None = None
    agreement: Agreement | None = None

    @property
    def has_no_signal(self) -> bool:
        """Merged intensities are noise, at low resolution too."""
        return self.overall.is_noise and self.inner.is_noise

    @property
    def inner(self) -> ShellStatistics:
        """The shell of lowest resolution."""
        return self.shells[0]

    @property
    def outer(self) -> ShellStatistics:
        """The shell of highest resolution."""
        return self.shells[-1]
