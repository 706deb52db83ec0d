"""What radiation did to each crystal of several, by its own observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.damage.decay import decay_of
from autoproc.damage.pairs import rd_beyond_errors

N_PARTS = 5
"""Parts of a crystal's dose: fewer than of a whole sweep, as wedges have few observations."""
FEWEST_STEPS = 3
"""Differences of dose with pairs, from which Rd has a slope with an error."""
FEWEST_PAIRS = 100
"""Pairs of equivalents within a crystal, from which its Rd is told: as many signals as a shell needs for Scp."""
TELLING_B = 5.0
"""Growth of B, Angstrom^2, from first to last part of the dose that is worth a word: good crystals on simulated sweeps
without damage stay below 2."""
TELLING_RD = 0.03
SIGNIFICANT = 4.0
"""Growth of Rd, and the standard uncertainties that it is above zero, from which a crystal suffers. Of 36 simulated
crystals without damage (30 or 60 degrees, scaled by sixes; good, absorbing in an unsteady beam, weak with an anomalous
signal) the highest was 0.015, of 2 uncertainties, and B grew by 1.1 at most. Where intensities change by 10% it was
0.05 and 0.07, by 20% or 30% 0.11 to 0.18. Scales of good crystals end at 0.74 to 1.37: they tell nothing of damage."""


@dataclass(frozen=True, slots=True)
class CrystalDamage:
    """Of one crystal, from its first observation to its last.

    crystal : its number, from 1; sweeps : their names; n : observations
    b_growth : B that it gained, Angstrom^2; scale : at zero angle at its end, 1 at its start; both by the scales of its
        observations, None where these are too few
    rd_growth : of a straight line through Rd, less what the errors lead to expect, from no difference of dose to the
        greatest; rd_error : its standard uncertainty; None where too few pairs tell
    """

    crystal: int
    sweeps: tuple[str, ...]
    n: int
    b_growth: float | None
    scale: float | None
    rd_growth: float | None
    rd_error: float | None

    @property
    def suffers(self) -> bool:
        """B, or the disagreement of its equivalents, grows by more than chance and small errors of scaling."""
        is_fading = self.b_growth is not None and self.b_growth > TELLING_B
        if self.rd_growth is None or self.rd_error is None:
            return is_fading
        return is_fading or self.rd_growth > max(TELLING_RD, SIGNIFICANT * self.rd_error)

    @property
    def name(self) -> str:
        """Its sweeps."""
        return " and ".join(self.sweeps)


@dataclass(frozen=True, slots=True, eq=False)
class CrystalObservations:
    """Observations (N,) of a crystal. d : Angstrom.

    hand : which hand of which reflection each measures, as a number; step : of dose
    """

    hand: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray
    inverse_scale: np.ndarray
    d: np.ndarray
    step: np.ndarray


def crystal_damage(crystal: int, sweeps: tuple[str, ...], seen: CrystalObservations) -> CrystalDamage:
    """What a crystal's own scales, and pairs of its own observations, tell."""
    own = seen.step - seen.step.min()
    decay = decay_of(seen.inverse_scale, seen.d, own * N_PARTS // (own.max() + 1), N_PARTS)
    known = np.flatnonzero(np.isfinite(decay.b))
    b, scale = (decay.b[known[-1]], decay.scale[known[-1]]) if len(known) > 1 else (None, None)
    growth, error = rd_growth(*rd_beyond_errors(seen.hand, seen.intensity, seen.sigma, own, int(own.max()) + 1))
    told = [None if value is None else float(value) for value in (b, scale)]
    return CrystalDamage(crystal, sweeps, len(own), told[0], told[1], growth, error)


def rd_growth(rd: np.ndarray, n_pairs: np.ndarray) -> tuple[float | None, float | None]:
    """Growth of Rd (K,), which is of n_pairs (K,), along a weighted straight line, and its error by the residuals."""
    lag = np.flatnonzero((n_pairs > 0) & np.isfinite(rd))
    w, y = n_pairs[lag].astype(float), rd[lag]
    if len(lag) < FEWEST_STEPS or w.sum() < FEWEST_PAIRS:
        return None, None
    x = lag - np.average(lag, weights=w)
    spread = float((w * x * x).sum())
    slope = float((w * x * y).sum()) / spread
    residual = y - np.average(y, weights=w) - slope * x
    variance = float((w * residual**2).sum()) / (len(lag) - 2) / spread
    reach = float(lag[-1])
    return slope * reach, variance**0.5 * reach
