"""Least squares of rises, piecewise linear functions of deviations, beside smooth terms."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _rise_sums
from autoproc.kernels.arguments import flags, floats

MOST_TERMS = 8
"""Smooth ones, and knots."""


def rise_sums(
    smooth: np.ndarray, rises: tuple[np.ndarray, np.ndarray], target: np.ndarray, weight: np.ndarray,
    use: np.ndarray, knots: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(T + 1, T + 1) sums of products of T terms, and the target last, over the observations to `use`, each weighted.

    smooth : (N, S) the first terms, S up to 8; then those of the deviations above zero, max(deviation - knot sigma, 0)
    for each knot, then those below, min(deviation + knot sigma, 0)
    rises : deviation and sigma (N,); target, weight : (N,), terms and target are multiplied by weight; use : (N,) bool
    knots : (K,) >= 0, K up to 8
    Raises ValueError where shapes do not agree, or there are too many terms.
    """
    smooth, knots = floats(smooth, (None, None), "smooth terms"), _few(knots)
    if smooth.shape[1] > MOST_TERMS:
        raise ValueError(f"{smooth.shape[1]} smooth terms are more than {MOST_TERMS}")
    shape = (len(smooth),)
    deviation, sigma = (floats(values, shape, what) for values, what in zip(rises, NAMES, strict=True))
    n_terms = smooth.shape[1] + 2 * len(knots)
    out = np.zeros((n_terms + 1, n_terms + 1))
    _rise_sums.rise_sums(
        smooth, deviation, sigma, floats(target, shape, "target"), floats(weight, shape, "weights"),
        flags(use, shape, "use"), knots, out,
    )  # fmt: skip
    return out


def rises_by(rises: tuple[np.ndarray, np.ndarray], slopes: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """(N,) sums of the rises of deviations, with sigmas (N,), times slopes (2 K,): see rise_sums."""
    knots = _few(knots)
    deviation, sigma = rises
    deviation = floats(deviation, (None,), NAMES[0])
    sigma, out = floats(sigma, deviation.shape, NAMES[1]), np.empty(len(deviation))
    _rise_sums.rises_by(deviation, sigma, floats(slopes, (2 * len(knots),), "slopes"), knots, out)
    return out


NAMES = ("deviations", "sigmas")


def _few(knots: np.ndarray) -> np.ndarray:
    knots = floats(knots, (None,), "knots")
    if len(knots) > MOST_TERMS or not np.all(knots >= 0):
        raise ValueError(f"knots must be at most {MOST_TERMS} numbers, none below zero")
    return knots
