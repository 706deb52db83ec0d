"""Where intensities stop saying anything about symmetry."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.robust import without_extremes
from autoproc.symmetry.observations import Observations

PER_SHELL, MAX_SHELLS = 50, 20
MIN_KEPT = 500


def informative_limit(observations: Observations, min_i_over_sigma: float) -> float:
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
