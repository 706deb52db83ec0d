"""Strong spots matched with the reflections predicted for them."""

from __future__ import annotations

import numpy as np

from autoproc.integration.kabsch import mosaic_lever, pixel_transform
from autoproc.integration.predict import Predictions
from autoproc.integration.survey import SpotPlaces, StrongSpots
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections

MAX_DISTANCE_PX = 5.0
"""A spot farther than this from its prediction is somebody else's."""


def indexed_rows(spots: Reflections) -> np.ndarray:
    """(N,) bool: has an index and a lattice."""
    return (spots["experiment_id"] >= 0) & np.any(spots["hkl"] != 0, axis=1)


def match(spots: Reflections, predictions: Predictions) -> np.ndarray:
    """(N,) row of the prediction with each spot's lattice and hkl that lies nearest in frame; -1 for none.

    Spots without an index have none.
    """
    wanted = np.where(indexed_rows(spots), _keys(spots["experiment_id"], spots["hkl"]), -1)
    return _nearest(wanted, spots["xyz_obs_px"], _keys(predictions.experiment, predictions.hkl), predictions.xyz)


def match_predictions(rows: Predictions, others: Predictions) -> np.ndarray:
    """(N,) row of the others that is the same crossing of the same hkl of the same lattice; -1 for none.

    It is the one that lies nearest in frame.
    """
    own, theirs = (_keys(2 * p.experiment + p.entering, p.hkl) for p in (rows, others))
    return _nearest(own, rows.xyz, theirs, others.xyz)


def _nearest(wanted: np.ndarray, xyz: np.ndarray, keys: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(N,) of M positions (M, 3) that with the wanted key which lies nearest in frame to xyz (N, 3); -1 for none."""
    order = np.lexsort((positions[:, 2], keys))
    sorted_keys = keys[order]
    found = np.full(len(wanted), -1)
    nearest = np.full(len(wanted), np.inf)
    low = np.searchsorted(sorted_keys, wanted, "left")
    high = np.searchsorted(sorted_keys, wanted, "right")
    for step in range(int((high - low).max(initial=0))):
        valid = low + step < high
        candidate = order[np.minimum(low + step, max(len(order) - 1, 0))]
        distance = np.abs(positions[candidate, 2] - xyz[:, 2])
        away = np.linalg.norm(positions[candidate, :2] - xyz[:, :2], axis=1)
        better = valid & (distance < nearest) & (away < MAX_DISTANCE_PX)
        found[better], nearest[better] = candidate[better], distance[better]
    return found


def strong_spots(
    experiments: list[Experiment], spots: Reflections, predictions: Predictions, matched: np.ndarray
) -> StrongSpots:
    """All spots as the survey wants them; those without a match belong to no lattice."""
    has = matched >= 0
    experiment = np.where(has, predictions.experiment[matched], -1)
    transform = np.broadcast_to(np.eye(2), (len(spots), 2, 2)).copy()
    lever = np.zeros(len(spots))
    for index, model in enumerate(experiments):
        here = has & (experiment == index)
        own = matched[here]
        transform[here] = pixel_transform(model, predictions.s1[own], predictions.xyz[own, :2])
        lever[here] = mosaic_lever(model, predictions.s1[own])
    observed = spots["xyz_obs_px"]
    return StrongSpots(
        SpotPlaces(observed[:, :2], spots["bbox"]),
        experiment,
        np.where(has, predictions.xyz[matched, 2], observed[:, 2]),
        np.where(has, predictions.zeta[matched], 1.0),
        transform,
        lever,
    )


def inherited_flags(n: int, spots: Reflections, matched: np.ndarray) -> np.ndarray:
    """(n,) what spot finding, indexing and refinement knew of each predicted reflection."""
    kept = np.uint64(Flag.INDEXED | Flag.STRONG | Flag.USED_IN_REFINEMENT)
    flags = np.full(n, np.uint64(Flag.PREDICTED))
    has = matched >= 0
    flags[matched[has]] |= spots["flags"][has] & kept
    return flags


def _keys(experiment: np.ndarray, hkl: np.ndarray) -> np.ndarray:
    """One integer for each lattice and index; |h| must stay below 2**15."""
    h = hkl.astype(np.int64) + (1 << 15)
    return ((experiment.astype(np.int64) << 16 | h[:, 0]) << 16 | h[:, 1]) << 16 | h[:, 2]
