"""Where intensities stop saying anything about symmetry."""

from __future__ import annotations

import numpy as np

from autoproc.symmetry.observations import Observations

N_SHELLS = 20
MIN_KEPT = 500


def informative_limit(observations: Observations, min_i_over_sigma: float) -> float:
    """Resolution, Angstrom, to which <I>/<sigma> in shells stays above a threshold.

    The threshold is halved until at least 500 observations, or a tenth of all if that is fewer, are
    kept; weak data keep everything.
    """
    order = np.argsort(observations.s2, kind="stable")
    shells = np.array_split(order, min(N_SHELLS, max(1, len(order) // 50)))
    ratios = [observations.intensity[s].mean() / observations.sigma[s].mean() for s in shells]
    outer = [float(observations.s2[s].max()) for s in shells]
    enough = min(MIN_KEPT, len(order) // 10)
    threshold = min_i_over_sigma
    for _ in range(4):
        n = next((i for i, ratio in enumerate(ratios) if ratio < threshold), len(shells))
        if n and sum(len(s) for s in shells[:n]) >= enough:
            return float(1 / np.sqrt(outer[n - 1]))
        threshold /= 2
    return float(1 / np.sqrt(outer[-1]))
