"""Where intensities stop saying anything about symmetry."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.robust import without_extremes
from autoproc.symmetry.corrected_observations import CorrectedObservations

PER_SHELL, MAX_SHELLS = 50, 20
MIN_KEPT = 500
PER_COMPARED_SHELL = 300
"""Observations of one data set whose mean is known to 0.3 where I/sigma is 0.2, so that no lucky shell is the limit."""


def informative_limit(observations: CorrectedObservations, min_i_over_sigma: float) -> float:
    """Resolution, Angstrom, to which <I>/<sigma> in shells stays above a threshold.

    The threshold is halved until at least 500 observations, or a tenth of all if that is fewer, are
    kept; weak data keep everything. Means are without extremes, so that no single observation opens or shuts a shell.
    """
    shells = shells_of_equal_number(observations.s2, PER_SHELL, MAX_SHELLS)
    measured = (observations.intensity, observations.sigma)
    intensity, sigma = ([without_extremes(v[s]).mean() for s in shells] for v in measured)
    ratios = [i / s for i, s in zip(intensity, sigma, strict=True)]
    outer = [float(observations.s2[s].max()) for s in shells]
    enough = min(MIN_KEPT, len(observations) // 10)
    threshold = min_i_over_sigma
    for _ in range(4):
        n = next((i for i, ratio in enumerate(ratios) if ratio < threshold), len(shells))
        if n and sum(len(s) for s in shells[:n]) >= enough:
            return float(1 / np.sqrt(outer[n - 1]))
        threshold /= 2
    return float(1 / np.sqrt(outer[-1]))


def correlation_limit(observations: CorrectedObservations) -> float:
    """Resolution, Angstrom, to which the correlation of two data sets over all reflections is the most significant.

    Of N common reflections it is 1/(1 + v) with a standard error of 1/sqrt(N), v being the mean variance of E^2 by the
    sigmas; that of the intensities themselves is 1 (acentric). Weak data keep less of each reflection so, but have
    many more of them: with 3 photons a reflection on a background of 20, 12 simulated wedges of P 3 were compared to
    8.2 A where I/sigma fell off, and to 3.9 A by this.
    """
    shells = shells_of_equal_number(observations.s2, PER_COMPARED_SHELL, MAX_SHELLS)
    n = np.array([len(s) for s in shells])
    noise = [_relative_variance(observations.intensity[s], observations.sigma[s]) for s in shells]
    total = np.cumsum(n)
    significance = total**1.5 / np.cumsum(n * (1 + np.array(noise)))
    return float(1 / np.sqrt(observations.s2[shells[int(np.argmax(significance))]].max()))


def _relative_variance(intensity: np.ndarray, sigma: np.ndarray) -> float:
    """Mean variance over the square of the mean intensity, which is taken to be at least its own standard error."""
    variance = float(without_extremes(sigma**2).mean())
    mean = max(float(without_extremes(intensity).mean()), np.sqrt(variance / len(intensity)))
    return variance / mean**2
