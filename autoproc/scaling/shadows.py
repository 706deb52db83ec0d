"""Places on the detector where reflections are consistently too weak or too strong: shadows and hot pixels.

The shadow of a beam stop's arm leaves no flag on the reflections behind it, and where a group has two observations, or
both of them are behind the arm, no comparison within the group can find them. Their neighbours on the
detector belong to other groups, and they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from autoproc.scaling.groups import EquivalentGroups

NEIGHBOURS = (8, 32)
"""Sizes of neighbourhoods, itself included: few for what is small and dark, many for what is faint."""
MIN_SIGNIFICANCE = 6.0
MAX_Z = 5.0
"""One observation counts for no more than this many standard uncertainties."""
MAX_RATIO_OF_SHADOW = 0.8
MIN_RATIO_OF_HOT = 1.5
INNOCENT_Z = 2.0
"""An observation that agrees with its equivalents this well is kept, if it is strong enough for that to count."""
INNOCENT_I_OVER_SIGMA = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhoods:
    """Observations (n,) rows of a table, and for each its nearest ones, itself first: near (n, k) into rows."""

    rows: np.ndarray
    near: np.ndarray


def neighbourhoods(place: np.ndarray, position: np.ndarray, use: np.ndarray) -> list[Neighbourhoods]:
    """The nearest observations of each one of those to `use` (N,), place by place.

    place : (N,) int, observations of one sweep and panel share a number; position : (N, 2) or (N, 3) there, in
        units in which distances mean the same
    """
    result = []
    for number in np.unique(place[use]):
        rows = np.flatnonzero(use & (place == number))
        if len(rows) > 2 * NEIGHBOURS[-1]:
            tree = cKDTree(position[rows])
            result.append(Neighbourhoods(rows, tree.query(position[rows], k=NEIGHBOURS[-1])[1]))
    return result


def disagreeing_places(
    near: Sequence[Neighbourhoods],
    groups: EquivalentGroups,
    intensity: np.ndarray,
    variance: np.ndarray,
    use: np.ndarray,
) -> np.ndarray:
    """(N,) bool: observations in a neighbourhood that disagrees with the equivalents elsewhere.

    intensity, variance : (N,) on the common scale; use : (N,) bool, the ones to judge by
    """
    z, ratio, information = _against_others(groups, intensity, variance, use)
    suspect = np.zeros(len(intensity), bool)
    for here in near:
        of_rows = z[here.rows], ratio[here.rows], information[here.rows]
        for k in NEIGHBOURS:
            neighbours = here.near[:, :k]
            doubtful = np.abs(_combined_z(of_rows[0][neighbours], of_rows[2][neighbours])) > MIN_SIGNIFICANCE
            chosen = neighbours[doubtful]
            suspect[here.rows[doubtful]] |= _is_suspect(*(v[chosen] for v in of_rows))
    innocent = (np.abs(z) < INNOCENT_Z) & (information > INNOCENT_I_OVER_SIGMA**2)
    return suspect & ~innocent


def _combined_z(z: np.ndarray, information: np.ndarray) -> np.ndarray:
    """(n,) deviation of neighbourhoods (n, k), each z cut at MAX_Z and weighted by its expected strength."""
    weighted = np.clip(z, -MAX_Z, MAX_Z) * np.sqrt(information)
    return weighted.sum(axis=1) / np.sqrt(np.maximum(information.sum(axis=1), 1e-12))


def _is_suspect(z: np.ndarray, ratio: np.ndarray, information: np.ndarray) -> np.ndarray:
    """(n,) bool of neighbourhoods (n, k): significant together, and by more than the model may err.

    Significant twice, weighted by strength and not, so that neither one strong nor many idle ones decide.
    """
    by_strength = _combined_z(z, information)
    by_number = _combined_z(z, (information > 0).astype(float))
    median = _weighted_median(ratio, np.sqrt(information))
    low = (np.maximum(by_strength, by_number) < -MIN_SIGNIFICANCE) & (median < MAX_RATIO_OF_SHADOW)
    high = (np.minimum(by_strength, by_number) > MIN_SIGNIFICANCE) & (median > MIN_RATIO_OF_HOT)
    return low | high


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    order = np.argsort(values, axis=1, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    middle = np.argmax(cumulative >= 0.5 * cumulative[:, -1:], axis=1)
    return np.take_along_axis(values, order, axis=1)[np.arange(len(values)), middle]


def _against_others(
    groups: EquivalentGroups, intensity: np.ndarray, variance: np.ndarray, use: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each observation against the mean of its equivalents: z, ratio, and (mean/sigma)^2; 0, 1, 0 where alone."""
    weight = np.where(use, 1.0 / variance, 0.0)
    value = np.where(use, intensity, 0.0)
    group = groups.group
    sum_w = groups.sum(weight)[group] - weight
    sum_wi = groups.sum(weight * value)[group] - weight * value
    compared = use & (groups.subset(use).count[group] > 1) & (sum_w > 0)
    safe = np.where(compared, sum_w, 1.0)
    mean = np.where(compared, sum_wi / safe, 0.0)
    total = variance + 1.0 / safe
    z = np.where(compared, (value - mean) / np.sqrt(total), 0.0)
    known = compared & (mean > 0)
    ratio = np.where(known, value / np.where(known, mean, 1.0), 1.0)
    return z, ratio, np.where(known, mean**2 / total, 0.0)
