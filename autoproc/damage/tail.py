"""What the data gain, or lose, by leaving out the end of the dose: told by early observations that were held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EARLY = 0.25
"""Observations in this first part of the dose stand for the crystal before damage."""
N_FOLDS = 4
"""Parts of the early observations, each of which is compared with means of all others."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """Means of the observations up to a part of the dose, against early observations that are not among them.

    kept : part of the dose; deviance : (G,) squared deviations over variances of the early observations of each
    reflection; NaN where there are none, or nothing to compare them with
    """

    kept: float
    deviance: np.ndarray


def tail_of(
    group: np.ndarray, n_groups: int, intensity: np.ndarray, sigma: np.ndarray, position: np.ndarray, kept: float
) -> Tail:
    """Compare early observations with the weighted means of the others that are kept.

    group, intensity, sigma : (N,) on one scale; position : (N,) part of the dose, 0..1. The deviation of a mean from
    observations that it has not seen is its own error and theirs: damage adds to it, and so does the noise of a mean
    of few. What is compared with is the same for every part kept.
    """
    fold = np.random.default_rng(4).permutation(len(group)) % N_FOLDS
    early, used = position <= EARLY, position <= kept
    weight = np.where(used, sigma**-2.0, 0.0)
    total, first = (np.bincount(group, v, n_groups) for v in (weight, weight * intensity))
    deviance, n = np.zeros(n_groups), np.zeros(n_groups)
    for k in range(N_FOLDS):
        out = early & (fold == k)
        rest = total - np.bincount(group[out], weight[out], n_groups)
        mean = first - np.bincount(group[out], (weight * intensity)[out], n_groups)
        known = out & (rest[group] > 1e-9 * total[group])
        rows = group[known]
        off = (intensity[known] - mean[rows] / rest[rows]) / sigma[known]
        deviance += np.bincount(rows, off**2, n_groups)
        n += np.bincount(rows, minlength=n_groups)
    return Tail(kept, np.where(n > 0, deviance, np.nan))
