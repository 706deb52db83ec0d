"""The intensities of several data sets, gathered on one list of reflections that the lattice's rotations permute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.combining.rotation_group import RotationGroup
from autoproc.models.numbering import rows_by_experiment
from autoproc.symmetry.corrected_observations import CorrectedObservations
from autoproc.symmetry.elements import hkl_key
from autoproc.symmetry.normalise import MAX_E2, Normalised

MOST_REFLECTIONS = 150_000
"""Unique reflections of point group -1 that are compared; those of higher resolution are left out. With 24 rotations
the table of their images then takes 15 MB, and a wedge of 10 degrees still has 8000 of them."""


@dataclass(frozen=True, slots=True, eq=False)
class DataSets:
    """E^2 of D data sets at U reflections, Friedel mates as one, each value the mean over repeats.

    ids : (D,) experiment of each data set, in an order that does not depend on the order given: most values first
    image : (U, S) index of the reflection that hkl W is
    start : (U + 1,) values of reflection u; dataset, value : (M,) in the order of reflections
    reflection : (M,) of each value; noise : (D,) mean variance of the values from their sigmas
    """

    ids: tuple[int, ...]
    group: RotationGroup
    image: np.ndarray
    start: np.ndarray
    reflection: np.ndarray
    dataset: np.ndarray
    value: np.ndarray
    noise: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_values(self) -> np.ndarray:
        """(D,) reflections of each data set."""
        return np.bincount(self.dataset, minlength=len(self))

    @property
    def n_reflections(self) -> int:
        """Of the list."""
        return len(self.image)


def gather(
    observations: CorrectedObservations, normalised: Normalised, group: RotationGroup, most: int = MOST_REFLECTIONS
) -> DataSets:
    """Mean E^2 of each reflection and data set.

    observations : hkl in the basis of the group's rotations; most : unique reflections, those of low resolution first
    """
    kept = np.flatnonzero(np.abs(normalised.e2) < MAX_E2)
    kept = kept[np.argsort(observations.s2[kept], kind="stable")]
    span = 4 * int(np.abs(observations.hkl[kept]).max(initial=0)) + 2
    hkl, kept = _within_bounds(observations.hkl[kept], kept, span, (group, most))
    listed, image = _closed_list(hkl, span, group)
    reflection = np.searchsorted(listed, hkl_key(hkl, span))
    ids = _in_order(observations.experiment[kept], normalised.e2[kept])
    place = np.zeros(max(ids) + 1, int)
    place[list(ids)] = np.arange(len(ids))
    code, inverse, count = np.unique(
        reflection * len(ids) + place[observations.experiment[kept]], return_inverse=True, return_counts=True
    )
    value = np.bincount(inverse, normalised.e2[kept]) / count
    variance = np.bincount(inverse, normalised.sigma[kept] ** 2) / count**2
    reflection, dataset = np.divmod(code, len(ids))
    start = np.searchsorted(reflection, np.arange(len(listed) + 1))
    noise = np.bincount(dataset, np.minimum(variance, MAX_E2**2)) / np.bincount(dataset)
    return DataSets(ids, group, image, start, reflection, dataset, value, noise)


def _in_order(experiment: np.ndarray, e2: np.ndarray) -> tuple[int, ...]:
    """The experiments that have values, the most first, among equals by what the values are."""
    rows = rows_by_experiment(experiment)
    ids, count = list(rows), [len(own) for own in rows.values()]
    total = [float(np.sort(e2[own]).sum()) for own in rows.values()]
    return tuple(ids[i] for i in sorted(range(len(ids)), key=lambda i: (-count[i], total[i])))


def _within_bounds(
    hkl: np.ndarray, rows: np.ndarray, span: int, limit: tuple[RotationGroup, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Of rows in order of resolution the first ones, so that the closed list is not too long."""
    group, most_reflections = limit
    orbit = np.min([hkl_key(hkl @ w, span) for w in group.rotations], axis=0)
    _, first = np.unique(orbit, return_index=True)
    most = most_reflections // len(group)
    n = len(hkl) if len(first) <= most else int(np.sort(first)[most])
    return hkl[:n], rows[:n]


def _closed_list(hkl: np.ndarray, span: int, group: RotationGroup) -> tuple[np.ndarray, np.ndarray]:
    """Keys (U,), ascending, of all images of these reflections, and the (U, S) images of each by index."""
    _, first = np.unique(hkl_key(hkl, span), return_index=True)
    every = np.concatenate([hkl[first] @ w for w in group.rotations])
    listed, first = np.unique(hkl_key(every, span), return_index=True)
    every = every[first]
    image = [np.searchsorted(listed, hkl_key(every @ w, span)) for w in group.rotations]
    return listed, np.column_stack(image).astype(np.int32)
