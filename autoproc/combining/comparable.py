"""Intensities made comparable: in one reduced basis, to a useful resolution, normalised, and in one setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.combining.consistent_settings import ConsistentSettings, consistent_settings
from autoproc.errors import NoReflections
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.symmetry.consistency import common_lattice, compose
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.normalise import Normalised, normalise
from autoproc.symmetry.observations import Observations, knows_directions, observations_of
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.resolution_cut import informative_limit

MIN_OBSERVATIONS = 20
TOO_FEW = (
    "collect more rotation, or expose longer: so few intensities are no data set; if few of the spots were indexed, "
    "the lattice is wrong: compare the header's beam centre and distance with the beamline's log"
)
"""What to do about too few intensities."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparable:
    """Observations of several experiments in one basis.

    changes : (3, 3) of each experiment, from its own basis to the common reduced one of `lattice`
    observations, normalised : in the common basis, with d >= d_min
    reference : the experiment whose setting counts; settings : how the data sets were brought to one, if they were
    """

    lattice: LatticeSymmetry
    changes: dict[int, np.ndarray]
    observations: Observations
    normalised: Normalised
    d_min: float
    reference: int
    settings: ConsistentSettings | None = None


def numbered_anew(given: Comparable, kept: Sequence[int]) -> Comparable:
    """Of some experiments only, which become 0, 1, 2 ... in this order."""
    number = {n: new for new, n in enumerate(kept)}
    rows = np.isin(given.observations.experiment, list(kept))
    observations = given.observations[rows]
    new = np.array([number.get(n, -1) for n in range(max(given.changes) + 1)])
    settings = given.settings
    if settings is not None:
        placed = [replace(p, experiment=number[p.experiment]) for p in settings.placed if p.experiment in number]
        settings = replace(settings, placed=tuple(placed))
    return replace(
        given,
        changes={number[n]: given.changes[n] for n in kept},
        observations=replace(observations, experiment=new[observations.experiment]),
        normalised=given.normalised[rows],
        reference=number.get(given.reference, 0),
        settings=settings,
    )


def make_comparable(experiments: Sequence[Experiment], reflections: Reflections, params: SymmetryParams) -> Comparable:
    """One lattice for all experiments, and the observations that say something, in its reduced basis.

    params : its resolution limits, tolerance and smooth scales count
    Raises NoReflections, NoCrystal, IncompatibleCells.
    """
    lattice, changes = common_lattice(experiments, params.max_delta)
    observations = observations_of(experiments, reflections)
    if len(observations) < MIN_OBSERVATIONS:
        reason = f"{len(observations)} usable intensities of {len(reflections)}"
        raise NoReflections(TOO_FEW, stage="symmetry", reason=reason)
    observations = observations.reindexed(changes)
    d_min = params.d_min or informative_limit(observations, params.min_i_over_sigma)
    observations = observations[observations.s2 <= (1 + 1e-9) / d_min**2]
    if len(observations) < MIN_OBSERVATIONS:
        to_do = TOO_FEW if params.d_min is None else "symmetry.d_min=none uses what there is"
        raise NoReflections(to_do, stage="symmetry", reason=f"{len(observations)} with d >= {d_min:.2f} A")
    return Comparable(
        lattice,
        changes,
        observations,
        normalise(observations, params.prescale and knows_directions(reflections)),
        d_min,
        min(changes),
    )


def compare_settings(given: Comparable, members: Sequence[int] | None = None) -> Comparable:
    """All experiments in one setting.

    members : rotations of the lattice that are symmetry elements, where that is known of experiments that were brought
        to one setting before
    """
    if len(np.unique(given.observations.experiment)) < 2:
        return given
    settings = consistent_settings(given.observations, given.normalised, given.lattice, members=members)
    changes = settings.changes()
    kept = [p.experiment for p in settings.placed if p.setting == 0 and not p.is_other]
    return replace(
        given,
        changes=compose(given.changes, changes),
        observations=given.observations.reindexed(changes),
        reference=kept[0] if kept else settings.placed[0].experiment,
        settings=settings,
    )
