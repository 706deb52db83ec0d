"""Robust background of shoeboxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_background
from autoproc.kernels.arguments import number, positive, whole
from autoproc.kernels.integrate_shoebox import Shoeboxes


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Background of N shoeboxes.

    mean : (N,) counts a pixel, NaN where too few pixels are left to know it
    dispersion : (N,) variance over what counting and readout let expect, 1 for a flat background
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


def constant_background(boxes: Shoeboxes, min_pixels: int = 10, gain: float = 1.0, noise: float = 0.0) -> Background:
    """Mean background of each shoebox by a Huber M-estimator for a Poisson model.

    The estimator is that of Cantoni & Ronchetti (2001) with tuning constant 1.345, as used for
    integration by Parkhurst et al. (2016), J. Appl. Cryst. 49, 1912: outliers (parts of spots that
    nobody predicted, cosmic rays) are down-weighted, without bias for small counts.
    With a gain (variance over mean of counts) beside 1, or noise (the variance that a readout adds to each pixel's,
    counts^2), no Poisson model holds: the mean of what lies within four standard deviations of it.
    """
    n = len(boxes)
    found = Background(np.empty(n), np.empty(n), np.empty(n, np.int32), np.empty(n, np.int32))
    _integrate_background.constant_background(
        boxes.start,
        boxes.counts,
        boxes.label,
        whole(min_pixels, 1, 1 << 40, "min_pixels"),
        positive(gain, "gain"),
        number(noise, "noise", 0.0),
        found.mean,
        found.dispersion,
        found.n_used,
        found.n_pixels,
    )
    return found
