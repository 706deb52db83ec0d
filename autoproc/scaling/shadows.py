"""Places on the detector where reflections are consistently too weak or too strong: shadows and hot pixels.

The shadow of a beam stop's arm leaves no flag on the reflections behind it, and where a group has two observations, or
both of them are behind the arm, no comparison within the group can find them. Their neighbours on the
detector belong to other groups, and they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.kernels.nearest_points import PointGrid
from autoproc.merging.groups import EquivalentGroups
from autoproc.robust import MAD_TO_SIGMA
from autoproc.threads import map_in_order

NEIGHBOURS = (8, 32)
"""Sizes of neighbourhoods: few for what is small and dark, many for what is faint."""
MIN_SIGNIFICANCE = 6.0
MAX_Z = 5.0
"""One observation counts for no more than this many standard uncertainties."""
HOT_Z = 4.0
MIN_HOT = 3
"""A hot place has at least so many observations that are so much too strong."""
INNOCENT_Z = 2.0
"""An observation that agrees with its equivalents this well is kept, if it is strong enough for that to count."""
INNOCENT_I_OVER_SIGMA = 8.0

USUAL_PARTS, USUAL_CLASSES = 10, 5
"""Parts of a sweep, and in each of them classes of strength, for whose deviations it is told what is usual."""
PER_USUAL = 100
"""Observations that tell what is usual, at least: the half of their deviations that are higher give it to a tenth."""

BLOCK = 8192
"""Observations whose neighbours are sought at a time."""
MAX_PLACES = 30000
"""Above so many observations of a sweep, neighbourhoods are judged for one in two of them, or fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Each observation (N,) against the mean of its equivalents.

    z : deviation over its standard uncertainty; ratio : of the two; information : (mean / sigma)^2;
    compared : there is something to compare it with (otherwise z 0, ratio 1, information 0)
    """

    z: np.ndarray
    ratio: np.ndarray
    information: np.ndarray
    compared: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhoods:
    """Some places, and the comparable observations nearest to each: near (m, k), rows of the table, nearest first.

    rows : (n,) the observations that these places stand for; place : (n,) the place of each, in 0 .. m - 1
    """

    rows: np.ndarray
    place: np.ndarray
    near: np.ndarray


def neighbourhoods(
    sweep: np.ndarray, position: np.ndarray, use: np.ndarray, compared: np.ndarray
) -> list[Neighbourhoods]:
    """The nearest of the compared observations to those to `use`, both (N,) bool, sweep by sweep.

    sweep : (N,) int, observations of one sweep and panel share a number; position : (N, 1 to 3) there, in
        units in which distances mean the same
    Where there are many observations one place stands for a few of them, close together.
    """
    result = []
    for number in np.unique(sweep[use]):
        rows, known = (np.flatnonzero(chosen & (sweep == number)) for chosen in (use, compared))
        if len(known) > 2 * NEIGHBOURS[-1]:
            place, near = _nearest(position[known], position[rows])
            result.append(Neighbourhoods(rows, place, known.astype(np.int32)[near]))
    return result


def _nearest(known: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For positions (n, d) a place (n,) for each, and the known points (m, d) nearest to the places, (p, 32)."""
    stride = max(1, len(position) // MAX_PLACES)
    order = PointGrid(position, 2 * stride).by_cell
    centres = position[order[stride // 2 :: stride]]
    near = _found(PointGrid(known, NEIGHBOURS[-1] // 4), centres, NEIGHBOURS[-1])
    place = np.empty(len(position), np.intp)
    # Those close together in a row, so that what the search reads stays in the cache.
    place[order] = _found(PointGrid(centres, 2), position[order], 1)[:, 0]
    return place, near


def _found(points: PointGrid, queries: np.ndarray, k: int) -> np.ndarray:
    """(M, k) int32 numbers of the points nearest to queries (M, d), on several threads."""
    blocks = [queries[n : n + BLOCK] for n in range(0, len(queries), BLOCK)]
    found = map_in_order(lambda block: points.nearest(block, k).astype(np.int32), blocks, 1 if len(blocks) < 3 else 0)
    return np.concatenate(list(found))


def against_the_usual(seen: Comparison, sweep: np.ndarray, frame: np.ndarray) -> Comparison:
    """The comparison with z above the median, over the scatter, of observations as strong and of about the same frame.

    sweep : (N,) int; frame : (N,). A crystal that radiation changes has deviations that its errors do not expect, other
    ones at every dose, and strong reflections fall there while weak ones rise: what all places have is no shadow. A
    scatter is told by the higher half of the deviations, which a shadow has little part in, and is 1 at least. What
    hides more than half of the reflections for a part of the sweep is thus taken for usual.

    Simulated: of a crystal whose structure factors change by 30%, without any shadow, 3.8% and 3.1% of the good
    observations were left out when judged by their errors alone (two seeds), 0.6% and 0.3% in this way.
    """
    z = seen.z.copy()
    for number in np.unique(sweep[seen.compared]):
        rows = np.flatnonzero(seen.compared & (sweep == number))
        n_classes = min(USUAL_CLASSES, len(rows) // PER_USUAL)
        if not n_classes:
            continue
        n_parts = min(USUAL_PARTS, len(rows) // (n_classes * PER_USUAL))
        for part in np.array_split(rows[np.argsort(frame[rows], kind="stable")], n_parts):
            by_strength = part[np.argsort(seen.information[part], kind="stable")]
            for alike in np.array_split(by_strength, n_classes):
                z[alike] = _standardised(z[alike])
    return replace(seen, z=z)


def _standardised(z: np.ndarray) -> np.ndarray:
    deviation = z - np.median(z)
    higher = deviation[deviation > 0]
    return deviation / max(1.0, MAD_TO_SIGMA * float(np.median(higher))) if len(higher) else deviation


def disagreeing_places(
    near: Sequence[Neighbourhoods], seen: Comparison, max_ratio: float, sizes: Sequence[int] = NEIGHBOURS
) -> np.ndarray:
    """(N,) bool: observations in a neighbourhood that disagrees with the equivalents elsewhere.

    max_ratio : of observed to expected, where a place is a shadow; sizes : of the neighbourhoods that may disagree
    """
    suspect = np.zeros(len(seen.z), bool)
    agrees = np.abs(seen.z) < INNOCENT_Z
    not_hot = seen.compared & (seen.z < INNOCENT_Z)
    not_low = agrees & (seen.information > INNOCENT_I_OVER_SIGMA**2)
    for here in near:
        for k in sizes:
            hot, low = _disagrees(here.near[:, :k], seen, max_ratio)
            suspect[here.rows] |= hot[here.place] & ~not_hot[here.rows] | low[here.place] & ~not_low[here.rows]
    return suspect


def _disagrees(near: np.ndarray, seen: Comparison, max_ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """(m,) bool, hot places and shadows, of neighbours (m, k)."""
    z, information = seen.z[near], seen.information[near]
    by_number = _combined_z(z, np.ones_like(z))
    many = np.count_nonzero(z > HOT_Z, axis=1) >= max(MIN_HOT, near.shape[1] // 4)
    is_low = np.maximum(by_number, _combined_z(z, information)) < -MIN_SIGNIFICANCE
    low = np.flatnonzero(is_low)
    is_low[low] = _weighted_median(seen.ratio[near[low]], np.sqrt(information[low])) < max_ratio
    return (by_number > MIN_SIGNIFICANCE) & many, is_low


def _combined_z(z: np.ndarray, information: np.ndarray) -> np.ndarray:
    """(m,) deviation of neighbourhoods (m, k), each z cut at MAX_Z and weighted by its expected strength."""
    weighted = np.clip(z, -MAX_Z, MAX_Z) * np.sqrt(information)
    return weighted.sum(axis=1) / np.sqrt(np.maximum(information.sum(axis=1), 1e-12))


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    order = np.argsort(values, axis=1, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    middle = np.argmax(cumulative >= 0.5 * cumulative[:, -1:], axis=1)
    return np.take_along_axis(values, order, axis=1)[np.arange(len(values)), middle]


def compare_with_others(
    groups: EquivalentGroups, intensity: np.ndarray, variance: np.ndarray, use: np.ndarray, kept: np.ndarray
) -> Comparison:
    """Compare the observations to `use` with those equivalents that are `kept`, both (N,) bool.

    intensity, variance : (N,) on the common scale
    """
    weight = np.where(kept, 1.0 / variance, 0.0)
    value = np.where(use, intensity, 0.0)
    group = groups.group
    n_others = groups.subset(kept).count[group] - kept
    compared = use & (n_others > 0)
    safe = np.where(compared, groups.sum(weight)[group] - weight, 1.0)
    sum_wi = groups.sum(weight * value)[group] - weight * value
    mean = np.where(compared, sum_wi / safe, 0.0)
    total = variance + 1.0 / safe
    z = np.where(compared, (value - mean) / np.sqrt(total), 0.0)
    known = compared & (mean > 0)
    ratio = np.where(known, value / np.where(known, mean, 1.0), 1.0)
    return Comparison(z, ratio, np.where(known, mean**2 / total, 0.0), compared)
