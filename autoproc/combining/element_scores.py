"""Symmetry elements scored by how the coordinates of aligned data sets lie (Gildea & Winter 2018)."""

from __future__ import annotations

import numpy as np

from autoproc.combining.coordinates import SettingCoordinates
from autoproc.combining.rotation_group import RotationGroup
from autoproc.symmetry.elements import SD_UNSCALED, CorrelationModel, ElementScore, PairSums, elements_of
from autoproc.symmetry.lattice_symmetry import rotation_axis, rotation_order


def score_by_coordinates(
    coordinates: SettingCoordinates, group: RotationGroup, setting: np.ndarray, weight: np.ndarray
) -> tuple[ElementScore, ...]:
    """The cosine between copies that an element relates, over all pairs of data sets, and its likelihood.

    coordinates : found without assuming symmetry; setting : (D,) of each data set; weight : (D, S, D) of the pairs
    The cosine between different data sets in the common basis is what to expect of an element that is there.
    """
    cosine, counted = _cosines(coordinates, group, setting, weight)
    model = CorrelationModel(
        float(np.clip(cosine[0], 0.2, 1)), float(cosine[0]), None, float(np.mean(cosine)), 0, 1.0, SD_UNSCALED
    )
    scores = []
    for members in elements_of(group.rotations):
        n = int(sum(counted[w] for w in members))
        cc = float(np.average(cosine[list(members)], weights=counted[list(members)])) if n else 0.0
        rotation = group.rotations[members[0]]
        order = rotation_order(rotation)
        axis = np.zeros(3, int) if order == 1 else rotation_axis(rotation)
        sums = PairSums(n, n, 0.0, 2.0 * n, cc * n)
        scores.append(
            ElementScore(members, order, tuple(axis.tolist()), sums, cc, model.sd(n), model.likelihood(cc, n))
        )
    return tuple(scores)


def _cosines(
    coordinates: SettingCoordinates, group: RotationGroup, setting: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(S,) mean cosine between copies s of one data set and w s of another, for each w, and how many were known."""
    length = np.linalg.norm(coordinates.y, axis=1)
    product = coordinates.predicted() / np.maximum(np.multiply.outer(length, length), 1e-9)[:, None]
    first, second = np.arange(len(setting))[:, None], np.arange(len(setting))[None]
    mean, counted = np.zeros(len(group)), np.zeros(len(group), int)
    for w in range(len(group)):
        between = group.product[group.inverse[setting][:, None], group.product[w, setting][None]]
        known = weight[first, between, second]
        counted[w] = np.count_nonzero(known)
        if counted[w]:
            mean[w] = np.average(product[first, between, second], weights=known)
    return mean, counted
