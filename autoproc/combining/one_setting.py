"""Whether data sets that are given as of one space group are indexed alike, and of one structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.combining.datasets import MAX_E2, gather
from autoproc.combining.params import MIN_MARGIN
from autoproc.combining.placing import Placed, as_given, place
from autoproc.combining.rotation_group import RotationGroup
from autoproc.errors import ProcessingError
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import primitive_basis, proper_rotations_of
from autoproc.symmetry.corrected_observations import observations_of, scaled_observations_of
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry, cell_of, lattice_symmetry, metric_of
from autoproc.symmetry.normalise import normalise

MAX_DELTA = 2.0
"""Le Page's delta, degrees, up to which a lattice may be indexed by a symmetry that it has nearly."""
REFLECTIONS_COMPARED = 20_000
"""Of the lowest resolution: wedges of 10 degrees then have hundreds in common, and a check takes a second."""
MIN_GAIN = 0.1
"""By which CC must be higher in another setting, besides its standard errors: a difference below may be a twin's."""


class SettingsDisagree(ProcessingError):
    """Data sets whose intensities agree in another setting than the one that they are given in."""

    what = (
        "the data sets are indexed in different settings: {which}: with the others CC is {cc:.2f} after turning, "
        "{as_given:.2f} at most as it is"
    )
    hint = (
        "run combine first (`autoproc combine` on these files), and scale combined.expt combined.refl; {unless} takes "
        "them as they are"
    )


@dataclass(frozen=True, slots=True)
class AsGiven:
    """Data sets that do not agree with the others as they are given.

    turned : agree in another setting than they are in, which is the one of most reflections
    others : agree in none, and are surely strong enough to; n_agreeing : how many agree
    alone : have too few reflections in common with the others to be compared
    """

    turned: tuple[Placed, ...] = ()
    others: tuple[Placed, ...] = ()
    n_agreeing: int = 0
    alone: tuple[Placed, ...] = ()


def require_one_setting(
    experiments: Sequence[Experiment], reflections: Reflections, is_scaled: bool = False
) -> AsGiven:
    """How data sets agree, of which none agrees in another setting only.

    is_scaled : compare scaled intensities; the integrated ones otherwise
    Raises SettingsDisagree where data sets of one space group agree with the others only when they are turned.
    """
    found = compared_as_given(experiments, reflections, is_scaled)
    if found.turned:
        numbers = ", ".join(str(p.experiment) for p in found.turned[:10]) + (" ..." if len(found.turned) > 10 else "")
        which = f"experiment {numbers}" if len(found.turned) == 1 else f"experiments {numbers}"
        worst = max(found.turned, key=lambda p: p.cc - p.next_best)
        unless = "check_forms=false" if is_scaled else "check_settings=false"
        raise SettingsDisagree(which=which, cc=worst.cc, as_given=worst.next_best, unless=unless)
    return found


def compared_as_given(experiments: Sequence[Experiment], reflections: Reflections, is_scaled: bool = False) -> AsGiven:
    """How data sets agree in the settings that they are in. is_scaled : see require_one_setting."""
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    if len(crystals) < 2 or len({c.space_group.xhm() for c in crystals}) > 1:
        return AsGiven()
    lattice, change = lattice_of(crystals)
    members = rotations_of_group(crystals[0], lattice, change)
    if not members:
        return AsGiven()
    observations = (scaled_observations_of if is_scaled else observations_of)(experiments, reflections)
    if len(np.unique(observations.experiment)) < 2:
        return AsGiven()
    observations = observations.reindexed(dict.fromkeys(range(len(experiments)), change))
    normalised = normalise(observations, prescale=False)
    if not np.any(np.abs(normalised.e2) < MAX_E2):  # nothing but noise below zero: scaling says so
        return AsGiven()
    data = gather(observations, normalised, RotationGroup.of(lattice.rotations), REFLECTIONS_COMPARED)
    placed = place(data, members, np.zeros(len(data), int))
    settings, _ = as_given(data, members, placed)
    turned = (p for p, s in zip(placed, settings, strict=True) if s != 0 and _is_sure(p))
    others = tuple(p for p in placed if p.is_other)
    alone = tuple(p for p in placed if p.is_alone)
    return AsGiven(tuple(turned), others, sum(p.agrees for p in placed), alone)


def _is_sure(placed: Placed) -> bool:
    is_better = placed.margin >= MIN_MARGIN and placed.cc - placed.next_best > MIN_GAIN
    return is_better and placed.agrees


def lattice_of(crystals: Sequence[Crystal]) -> tuple[LatticeSymmetry, np.ndarray]:
    """The lattice of the mean cell, and the change from the basis that all are given in to its reduced one."""
    primitive = primitive_basis(crystals[0].space_group)
    mean = np.mean([metric_of(crystal.cell) for crystal in crystals], axis=0)
    lattice = lattice_symmetry(cell_of(primitive @ mean @ primitive.T), MAX_DELTA)
    return lattice, lattice.to_reduced @ primitive


def rotations_of_group(crystal: Crystal, lattice: LatticeSymmetry, change: np.ndarray) -> tuple[int, ...]:
    """The space group's rotations among the lattice's; none where the lattice lacks one of them."""
    place = {w.tobytes(): n for n, w in enumerate(lattice.rotations)}
    inverse = np.linalg.inv(change)
    turned = np.rint(inverse.T @ proper_rotations_of(crystal.space_group) @ change.T).astype(lattice.rotations.dtype)
    found = {place.get(np.ascontiguousarray(w).tobytes(), -1) for w in turned}
    return () if -1 in found else tuple(sorted(found))
