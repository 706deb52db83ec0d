"""Whether intensities are those of a crystal with a centre of symmetry (Wilson 1949, Acta 2, 318)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

SPREAD = 0.06
"""Of the mean |E^2 - 1| of structures about its expectation, 0.97 with a centre and 0.74 without, beyond that of
chance: heavy atoms, atoms in special positions, unscaled intensities. With it, data at one expectation are 1500 times
as likely as at the other, as much as such a statistic is trusted for; chosen, not measured."""
N_QUANTILES = 200
FEWEST = 50
"""Reflections; fewer tell nothing."""
MOST = 4000
WIDEST = 1.0
"""Sigma of E^2 beyond which a reflection only adds noise."""


@dataclass(frozen=True, slots=True)
class CentreEvidence:
    """What intensities say about a centre of symmetry.

    mean : of |E^2 - 1|, None if there are too few reflections
    with_centre, without : what it would be with these errors
    log_ratio : logarithm of the likelihood with a centre over that without
    """

    mean: float | None
    with_centre: float
    without: float
    log_ratio: float
    n: int


def evidence_of_centre(e2: np.ndarray, sigma: np.ndarray) -> CentreEvidence:
    """Compare the mean |E^2 - 1| of general reflections (N,) with both expectations, errors of measurement in them."""
    usable = np.flatnonzero(sigma < WIDEST)
    if len(usable) < FEWEST:
        return CentreEvidence(None, 0.968, 0.736, 0.0, len(usable))
    chosen = usable[np.linspace(0, len(usable) - 1, min(len(usable), MOST)).astype(int)]
    x, s = e2[chosen] / e2[chosen].mean(), sigma[chosen]
    mean = float(np.abs(x - 1).mean())
    quantiles = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    centric = 2.0 * scipy.special.gammaincinv(0.5, quantiles)
    acentric = -np.log1p(-quantiles)
    expected = [_expected(true / true.mean(), s) for true in (centric, acentric)]
    variance = SPREAD**2 + float(np.abs(x - 1).var()) / len(x)
    ratio = ((mean - expected[1]) ** 2 - (mean - expected[0]) ** 2) / (2 * variance)
    limit = (expected[0] - expected[1]) ** 2 / (2 * variance)  # what is beyond an expectation says no more than it
    return CentreEvidence(mean, expected[0], expected[1], float(np.clip(ratio, -limit, limit)), len(x))


def _expected(true: np.ndarray, sigma: np.ndarray) -> float:
    """The mean of |E^2 + error - 1| over true values and sigmas: that of folded normal distributions."""
    m = (true - 1)[:, None]
    s = np.maximum(sigma, 1e-6)[None, :]
    folded = s * np.sqrt(2 / np.pi) * np.exp(-0.5 * (m / s) ** 2) + m * scipy.special.erf(m / (s * np.sqrt(2)))
    return float(folded.mean())
