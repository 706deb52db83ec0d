"""Merging statistics, overall and by resolution shell; merging.merging_statistics computes them."""

from __future__ import annotations

from dataclasses import dataclass

NOISE = 0.5
"""Mean I/sigma of merged intensities below which R factors are of noise: they grow without end as the mean goes to
zero, whatever the data are worth. Chosen; half of what is usually called the end of the data."""


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
    """

    overall: ShellStatistics
    shells: tuple[ShellStatistics, ...]
    anomalous_slope: float | None = None
    df_over_f: float | None = None
    di_over_sigma_di: float | None = None

    @property
    def inner(self) -> ShellStatistics:
        """The shell of lowest resolution."""
        return self.shells[0]

    @property
    def outer(self) -> ShellStatistics:
        """The shell of highest resolution."""
        return self.shells[-1]
