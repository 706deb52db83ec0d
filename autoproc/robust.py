"""Spread of values among outliers."""

from __future__ import annotations

import numpy as np

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def robust_sigma(deviations: np.ndarray) -> np.ndarray:
    """Standard deviation of deviations (N, ...) from zero, along the first axis, by their median absolute value."""
    return MAD_TO_SIGMA * np.median(np.abs(deviations), axis=0)
