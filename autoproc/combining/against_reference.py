"""In which setting data agree with what is known of their crystal form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.combining.agreement import MergedSettings
from autoproc.combining.datasets import gather
from autoproc.combining.one_setting import lattice_of, rotations_of_group
from autoproc.combining.rotation_group import RotationGroup
from autoproc.errors import ProcessingError
from autoproc.formats.observed.reference_data import ReferenceData
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import proper_rotations_of
from autoproc.symmetry.corrected_observations import CorrectedObservations, observations_of
from autoproc.symmetry.lattice_lengths import length_differences, reduced_metric
from autoproc.symmetry.normalise import Normalised, normalise

MAX_CELL_DIFFERENCE = 0.05
"""Relative difference of lattices beyond which a reference is of another crystal form."""


LEAST_CC = 0.2
"""CC of E^2 below which a reference is hardly of the same structure. Simulated: 0.05 with another in the same cell,
above 0.9 with the same. Chosen between them, nearer to the first: weak data agree less."""
LEAST_MARGIN = 3.0
"""Standard errors by which a setting has to be better than the next to be told from it. Chosen."""


class ReferenceDoesNotFit(ProcessingError):
    """A reference of another crystal form."""

    what = "the reference's cell, {cell}, differs by {difference:.1%} from that of the data, {own}"
    hint = "give a reference of this crystal form, or none"


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceFit:
    """How data agree with a reference.

    change : (3, 3) from the data's basis to the reference's setting; cc : there, of E^2; n : reflections in common
    next_best : CC in the best other setting, NaN without one; margin : in standard errors
    cell_difference : relative; kind : what the reference was, in words
    """

    change: np.ndarray
    cc: float
    n: int
    next_best: float
    margin: float
    cell_difference: float
    kind: str

    @property
    def doubt(self) -> str:
        """Why it should not be relied on, in words; "" where it can be."""
        if not self.cc >= LEAST_CC:
            return (
                f"the intensities hardly agree with those of the reference (CC of E^2 {self.cc:.2f}): it may be of "
                "another crystal, and the setting is not told by it"
            )
        if self.margin < LEAST_MARGIN:
            return f"the reference does not tell the setting: another fits it as well (CC of E^2 {self.next_best:.2f})"
        return ""

    @property
    def words(self) -> str:
        """That, in a sentence."""
        other = "" if np.isnan(self.next_best) else f" ({self.next_best:.3f} in the best other setting)"
        return (
            f"Reference ({self.kind}): CC of E^2 {self.cc:.3f}{other}, {self.n} reflections; "
            f"cell within {self.cell_difference:.2%}"
        )


def fit_to_reference(
    experiments: Sequence[Experiment], reflections: Reflections, reference: ReferenceData
) -> ReferenceFit:
    """Experiments : in one setting of the reference's space group. Raises ReferenceDoesNotFit."""
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    return fit_observations(crystals, observations_of(experiments, reflections), reference)


def fit_merged(merged: Merged, reference: ReferenceData) -> ReferenceFit:
    """Merged : in a setting of the reference's lattice. Raises ReferenceDoesNotFit."""
    crystal = Crystal(b_matrix(merged.cell.parameters), merged.space_group)
    own = ReferenceData(merged.hkl, merged.intensity, merged.cell, merged.space_group, "merged data")
    return fit_observations([crystal], _observed(own), reference)


def fit_observations(crystals: Sequence[Crystal], own: CorrectedObservations, reference: ReferenceData) -> ReferenceFit:
    """Own : observations of the crystals, in one setting of the reference's lattice. Raises ReferenceDoesNotFit."""
    difference = cell_difference(crystals[0], reference.cell, reference.space_group)
    lattice, change = lattice_of(crystals)
    group = RotationGroup.of(lattice.rotations)
    members = rotations_of_group(crystals[0], lattice, change) or (0,)
    known = _observed(reference)
    of_own, of_known = normalise(own, prescale=False), normalise(known, prescale=False)
    both = CorrectedObservations(
        np.concatenate([own.hkl, known.hkl]),
        np.concatenate([own.intensity, known.intensity]),
        np.concatenate([own.sigma, known.sigma]),
        np.concatenate([own.s2, known.s2]),
        np.repeat([0, 1], [len(own), len(known)]),
        np.concatenate([own.phi, known.phi]),
        np.concatenate([own.direction, known.direction]),
    )
    values = Normalised(
        np.concatenate([of_own.e2, of_known.e2]),
        np.concatenate([of_own.sigma, of_known.sigma]),
        np.concatenate([of_own.mean, of_known.mean]),
    )
    data = gather(both.reindexed({0: change, 1: change}), values, group)
    merged = MergedSettings(data, members, np.zeros(2, int), np.ones(2, bool))
    found = merged.agreement(data.ids.index(0))
    turn = np.linalg.inv(change) @ group.change_of_basis(int(found.settings[found.best])) @ change
    cc, n = float(found.cc[found.best]), int(found.n[found.best])
    return ReferenceFit(turn, cc, n, found.next_best, found.margin, difference, reference.kind)


def cell_difference(crystal: Crystal, cell: gemmi.UnitCell, space_group: gemmi.SpaceGroup) -> float:
    """Relative difference of the lattices of a crystal and of a reference. Raises ReferenceDoesNotFit."""
    known = Crystal(b_matrix(cell.parameters), space_group)
    difference = float(length_differences(np.array([reduced_metric(crystal), reduced_metric(known)]))[0, 1])
    if difference > MAX_CELL_DIFFERENCE:
        cells = [" ".join(f"{x:.2f}" for x in c) for c in (cell.parameters, crystal.cell)]
        raise ReferenceDoesNotFit(cell=cells[0], own=cells[1], difference=difference)
    return difference


def _observed(reference: ReferenceData) -> CorrectedObservations:
    """The reference as an experiment that measured every equivalent once."""
    rotations = proper_rotations_of(reference.space_group)
    hkl = np.concatenate([reference.hkl @ w for w in rotations]).astype(np.int32)
    intensity = np.tile(reference.intensity, len(rotations))
    n = len(hkl)
    s2 = np.asarray(gemmi.UnitCell(*reference.cell.parameters).calculate_1_d2_array(hkl), float)
    sigma = np.full(n, 1e-3 * float(np.mean(np.abs(intensity))))
    return CorrectedObservations(hkl, intensity, sigma, s2, np.zeros(n, int), np.zeros(n), np.zeros((n, 3)))
