"""What the means of groups of observations make expect of each of them."""

from __future__ import annotations

import numpy as np

from autoproc.kernels import _group_expectation
from autoproc.kernels.arguments import flags, floats, number, rows, whole

MOST_GROUPS = 1 << 26
"""Unique reflections, of which sums take a gigabyte."""


def group_expectation(
    measured: tuple[np.ndarray, np.ndarray, np.ndarray], group: np.ndarray, n_groups: int, use: np.ndarray,
    errors: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Expected intensities g <I>, their variances, and the share of each observation in its mean, all (N,).

    measured : intensity, variance and factor g (N,); those not to `use` (N,) bool may have no numbers, and a share of 0
    errors : a, b of the variances a^2 (variance + (b g <I>)^2) that weigh, with 1 for a variance that is no number
    <I> = sum w g I / sum w g^2 over the group. It needs weights, and these need it: once the intensity itself serves,
    then the mean. Raises ValueError where shapes do not agree, or a group is none of n_groups.
    """
    intensity, variance, factor = measured
    intensity = floats(intensity, (None,), "intensities")
    shape, n_groups = intensity.shape, whole(n_groups, 0, MOST_GROUPS, "number of groups")
    variance, factor = floats(variance, shape, "variances"), floats(factor, shape, "factors")
    known, (a, b) = rows(group, n_groups, "groups"), errors
    if known.shape != shape:
        raise ValueError(f"groups are {len(known)}, intensities {len(intensity)}")
    sums = np.empty((2, n_groups))
    expected, total, share = np.empty((3, *shape))
    _group_expectation.group_expectation(
        intensity, variance, factor, known, flags(use, shape, "use"), number(a, "a"), number(b, "b"),
        sums[0], sums[1], expected, total, share,
    )  # fmt: skip
    return expected, total, share
