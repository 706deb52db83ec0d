"""Spots of a simulated image: bivariate Gaussians integrated over pixels."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _simulate_spots
from autoproc.kernels.arguments import floats, number

FARTHEST = 1 << 30
"""Pixels from the origin that a spot may lie, or reach."""


def add_spots(
    image: np.ndarray, centre: np.ndarray, covariance: np.ndarray, counts: np.ndarray, reach: float = 4.5
) -> None:
    """Add spots to an image, in place.

    image : (slow, fast) float64, photons
    centre : (N, 2) px (fast, slow), pixel (0, 0) spans 0..1; may lie outside the image
    covariance : (N, 3) px**2: fast-fast, fast-slow, slow-slow, positive definite
    counts : (N,) photons; reach : standard deviations at which the Gaussians end
    Raises ValueError for other shapes or a covariance that is not positive definite.
    """
    counts = floats(counts, (None,), "counts")
    n = len(counts)
    centre, covariance = floats(centre, (n, 2), "centre"), floats(covariance, (n, 3), "covariance")
    reach = number(reach, "reach", 0.0, FARTHEST)
    if not np.all(np.abs(centre) <= FARTHEST):
        raise ValueError(f"a spot's centre is not finite, or farther than {FARTHEST} px")
    if n and not reach * np.sqrt(np.abs(covariance).max()) <= FARTHEST:
        raise ValueError(f"a spot reaches farther than {FARTHEST} px")
    if n and not np.all((covariance[:, 0] * covariance[:, 2] > covariance[:, 1] ** 2) & (covariance[:, 0] > 0)):
        raise ValueError("a spot's covariance is not positive definite")
    _simulate_spots.add_spots(image, centre, covariance, counts, reach)
