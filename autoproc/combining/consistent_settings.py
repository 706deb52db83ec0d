"""One setting for several data sets of a lattice, by their intensities: from all pairs, then each against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.combining.alignment import align
from autoproc.combining.coordinates import Dimension, SettingCoordinates, choose_dimensions, find_coordinates
from autoproc.combining.correlations import PairCorrelations, pair_correlations
from autoproc.combining.datasets import DataSets, gather
from autoproc.combining.element_scores import score_by_coordinates
from autoproc.combining.placing import Placed, as_given, place
from autoproc.combining.rotation_group import RotationGroup
from autoproc.linear_algebra import single_threaded_blas
from autoproc.symmetry.corrected_observations import CorrectedObservations
from autoproc.symmetry.elements import ElementScore
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.laue_group import score_subgroups
from autoproc.symmetry.normalise import Normalised
from autoproc.symmetry.subgroups import find_subgroups

MOST_COPIES = 2400
"""Data sets times rotations whose coordinates are sought; further data sets are placed against those. 100 data sets of
a cubic lattice, for which everything here takes 10 s of processor time."""

TOLD_APART = 3.0
"""Standard errors between the settings of most data sets, by which these are of different settings indeed."""
MOST_WEAK = 0.5
"""CC of pairs of data sets (median, by the coordinates) up to which their dimensions may be thought too few: above, the
standard error is small beside what a dimension explains. Simulated: 0.1 to 0.2 with 3 photons, 0.6 with 30."""


@dataclass(frozen=True, slots=True, eq=False)
class ConsistentSettings:
    """Settings that make data sets agree, and the evidence.

    members : rotations of the symmetry that was found in the common basis; placed : data sets, best measured first
    pairs, dimensions, coordinates : of the best measured data sets; elements : scored by their coordinates
    """

    group: RotationGroup
    members: tuple[int, ...]
    placed: tuple[Placed, ...]
    pairs: PairCorrelations
    dimensions: tuple[Dimension, ...]
    coordinates: SettingCoordinates
    elements: tuple[ElementScore, ...]

    def changes(self) -> dict[int, np.ndarray]:
        """(3, 3) int change of basis of each experiment to the common one."""
        return {p.experiment: self.group.change_of_basis(p.setting) for p in self.placed}

    @property
    def n_settings(self) -> int:
        """That the symmetry tells apart."""
        return len(self.group.settings(self.members))


@single_threaded_blas
def consistent_settings(
    observations: CorrectedObservations,
    normalised: Normalised,
    lattice: LatticeSymmetry,
    n_threads: int = 0,
    members: Sequence[int] | None = None,
) -> ConsistentSettings:
    """Settings in which the data sets agree, whatever order they come in.

    observations : hkl in one reduced basis of the lattice
    members : rotations of the symmetry, where it is known: the data sets agree already, but for what it tells apart
    """
    group = RotationGroup.of(lattice.rotations)
    data = gather(observations, normalised, group)
    some = _best_measured(data, MOST_COPIES // len(group))
    pairs = pair_correlations(some, n_threads)
    dimensions = choose_dimensions(pairs, group)
    if members is None:
        dimensions = _as_told_apart(some, pairs, group, dimensions)
    coordinates = find_coordinates(pairs, group, dimensions[0].members)
    free = coordinates if len(coordinates.members) == 1 else find_coordinates(pairs, group, (0,))
    setting = align(coordinates) if members is None else np.zeros(len(some), int)
    length = np.linalg.norm(coordinates.y, axis=1)  # of impostors nearly 0, so that they do not count
    counted = pairs.weight * np.multiply.outer(length, length)[:, None]
    elements = score_by_coordinates(free, group, setting, counted)
    if members is None:
        scored = score_subgroups(find_subgroups(lattice), elements)[0].subgroup.members
        members = _told_apart(group, scored, dimensions[0].members, elements)
    placed = place(data, members, setting)
    settings, members = as_given(data, members, placed)
    placed = tuple(replace(p, setting=int(s)) for p, s in zip(placed, settings, strict=True))
    return ConsistentSettings(group, members, placed, pairs, dimensions, coordinates, elements)


def _as_told_apart(
    data: DataSets, pairs: PairCorrelations, group: RotationGroup, dimensions: tuple[Dimension, ...]
) -> tuple[Dimension, ...]:
    """The same with the one first that predicts best, where each data set by itself tells its settings apart.

    The fewest dimensions within a standard error are too few for some weak data, in which random settings look like
    symmetry: of 6 simulated wedges of P 63 with 3 photons a reflection 3 were turned, and P 6 2 2 was certain. Their
    settings are 5.8 standard errors apart (median), those of 36 wedges of P 6 2 2 with 3 to 300 photons 0.4 to 2.1.
    """
    best = min(dimensions, key=lambda d: d.held_out)
    if best.n <= dimensions[0].n:
        return dimensions
    coordinates = find_coordinates(pairs, group, best.members)
    if np.median(np.sum(coordinates.y**2, axis=1)) > MOST_WEAK:
        return dimensions
    margins = [p.margin for p in place(data, best.members, align(coordinates)) if p.agrees]
    if not margins or np.median(margins) < TOLD_APART:
        return dimensions
    return (best, *(d for d in dimensions if d is not best))


def _told_apart(
    group: RotationGroup, scored: Sequence[int], assumed: Sequence[int], elements: Sequence[ElementScore]
) -> tuple[int, ...]:
    """The symmetry by the elements, unless the coordinates needed more dimensions than it has settings.

    Then copies that it makes equal are not: of twins and pseudo-symmetry. Settings that are told apart for nothing do
    no harm; such as are not, when they should be, do.
    """
    if len(assumed) >= len(scored):
        return tuple(scored)
    cc = np.zeros(len(group))
    for element in elements:
        cc[list(element.members)] = element.cc
    return max(
        group.conjugates(tuple(assumed)), key=lambda members: (round(float(cc[list(members)].mean()), 9), members)
    )


def _best_measured(data: DataSets, most: int) -> DataSets:
    """The data sets with the most reflections, which come first."""
    n = min(len(data), max(most, 2))
    if n == len(data):
        return data
    kept = data.dataset < n
    reflection = data.reflection[kept]
    start = np.searchsorted(reflection, np.arange(data.n_reflections + 1))
    return DataSets(
        data.ids[:n], data.group, data.image, start, reflection, data.dataset[kept], data.value[kept], data.noise[:n]
    )
