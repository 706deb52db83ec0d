"""Robust background of shoeboxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_background
from autoproc.kernels.integrate_shoebox import Shoeboxes


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Background of N shoeboxes.

    mean : (N,) photons a pixel, NaN where too few pixels are left to know it
    dispersion : (N,) variance over mean, 1 for a flat Poisson background
    n_used, n_pixels : (N,) int32, trusted background pixels and all of them
    """

    mean: np.ndarray
    dispersion: np.ndarray
    n_used: np.ndarray
    n_pixels: np.ndarray

    @property
    def is_known(self) -> np.ndarray:
        """(N,) bool: enough pixels were left."""
        return np.isfinite(self.mean)


def constant_background(boxes: Shoeboxes, min_pixels: int = 10, noise: float = 0.0) -> Background:
    """Mean background of each shoebox by a Huber M-estimator for a Poisson model.

    The estimator is that of Cantoni & Ronchetti (2001) with tuning constant 1.345, as used for
    integration by Parkhurst et al. (2016), J. Appl. Cryst. 49, 1912: outliers (parts of spots that
    nobody predicted, cosmic rays) are down-weighted, without bias for small counts.
    With noise, the variance that a readout adds to each pixel's, counts may be negative and no Poisson model holds:
    the mean of what lies within four standard deviations of it.
    """
    n = len(boxes)
    found = Background(np.empty(n), np.empty(n), np.empty(n, np.int32), np.empty(n, np.int32))
    _integrate_background.constant_background(
        boxes.start,
        boxes.counts,
        boxes.label,
        min_pixels,
        noise,
        found.mean,
        found.dispersion,
        found.n_used,
        found.n_pixels,
    )
    return found
