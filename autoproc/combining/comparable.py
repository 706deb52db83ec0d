"""Intensities made comparable: in one reduced basis, to a useful resolution, normalised, and in one setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from autoproc.combining.consistent_settings import ConsistentSettings, consistent_settings
from autoproc.combining.doubts import is_untold
from autoproc.combining.one_crystal import crystal_numbers, with_untold_joined
from autoproc.errors import NoReflections
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import rows_by_experiment
from autoproc.models.reflections import Reflections
from autoproc.symmetry.consistency import common_lattice, compose
from autoproc.symmetry.corrected_observations import CorrectedObservations, knows_directions, observations_of
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.normalise import Normalised, normalise
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.resolution_cut import correlation_limit, informative_limit
from autoproc.wording import angstrom

MIN_OBSERVATIONS = 20
TOO_FEW = (
    "collect more rotation, or expose longer: so few intensities are no data set; if few of the spots were indexed, "
    "the lattice is wrong: compare the header's beam centre and distance with the beamline's log"
)
"""What to do about too few intensities."""
LOOK_AT_INTENSITIES = (
    "look at an image: there is no diffraction; in a file of another program, at the column of its intensities"
)


@dataclass(frozen=True, slots=True, eq=False)
class Comparable:
    """Observations of several experiments in one basis.

    changes : (3, 3) of each experiment, from its own basis to the common reduced one of `lattice`
    observations, normalised : in the common basis, as far as there is something to compare, which is to d_min, Angstrom
    reference : the experiment whose setting counts; settings : how the data sets were brought to one, if they were
    crystals : of each experiment the first one of the same crystal, by its orientation
    """

    lattice: LatticeSymmetry
    changes: dict[int, np.ndarray]
    observations: CorrectedObservations
    normalised: Normalised
    d_min: float
    reference: int
    settings: ConsistentSettings | None = None
    crystals: Mapping[int, int] = field(default_factory=dict)


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
        crystals=_of_kept(given.crystals, number),
    )


def _of_kept(crystals: Mapping[int, int], number: Mapping[int, int]) -> dict[int, int]:
    """The crystals of those experiments that have a new number."""
    first: dict[int, int] = {}
    return {new: first.setdefault(crystals.get(old, old), new) for old, new in number.items()}


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
    if not observations.intensity.any():
        raise NoReflections(LOOK_AT_INTENSITIES, stage="symmetry", reason="all intensities are 0")
    observations = observations.reindexed(changes)
    observations, d_min = _informative(observations, params)
    if len(observations) < MIN_OBSERVATIONS:
        to_do = TOO_FEW if params.d_min is None else "symmetry.d_min=none uses what there is"
        raise NoReflections(to_do, stage="symmetry", reason=f"{len(observations)} with d >= {angstrom(d_min)} A")
    return Comparable(
        lattice,
        changes,
        observations,
        normalise(observations, params.prescale and knows_directions(reflections)),
        d_min,
        min(changes),
        crystals=crystal_numbers(experiments, changes),
    )


def _to(observations: CorrectedObservations, d_min: float) -> np.ndarray:
    """(N,) bool: d >= d_min, but for rounding."""
    return np.asarray(observations.s2 <= (1 + 1e-9) / d_min**2)


def _informative(observations: CorrectedObservations, params: SymmetryParams) -> tuple[CorrectedObservations, float]:
    """Observations that say something, and the d_min of these, Angstrom; of several data sets each has its own."""
    own = rows_by_experiment(observations.experiment)
    if params.d_min is not None or len(own) < 2:
        d_min = params.d_min or informative_limit(observations, params.min_i_over_sigma)
        return observations[_to(observations, d_min)], d_min
    kept, limits = np.zeros(len(observations), bool), []
    for rows in own.values():
        limits.append(correlation_limit(observations[rows]))
        kept[rows] = _to(observations[rows], limits[-1])
    return observations[kept], min(limits)


def compare_settings(given: Comparable, members: Sequence[int] | None = None) -> Comparable:
    """All experiments in one setting.

    members : rotations of the lattice that are symmetry elements, where that is known of experiments that were brought
        to one setting before
    The sweeps of a crystal, the setting of one of which cannot be told by its intensities, are compared as one data
    set: the goniometer knows it.
    """
    settings = _settings(given, {}, members)
    if settings is None:
        return given
    joined = with_untold_joined(given.crystals, {p.experiment for p in settings.placed if is_untold(p)})
    if any(n != number for n, number in joined.items()):
        settings = _settings(given, joined, members)
        if settings is None:
            return given
    changes = settings.changes()
    kept = [p.experiment for p in settings.placed if p.setting == 0 and p.agrees]
    return replace(
        given,
        changes=compose(given.changes, changes),
        observations=given.observations.reindexed(changes),
        reference=kept[0] if kept else settings.placed[0].experiment,
        settings=settings,
    )


def _settings(given: Comparable, joined: Mapping[int, int], members: Sequence[int] | None) -> ConsistentSettings | None:
    """The settings of the experiments; None where there is one data set.

    joined : of an experiment, the data set that it is compared as
    """
    observations = given.observations
    there = np.unique(observations.experiment)
    data_set = {int(n): joined.get(int(n), int(n)) for n in there}
    if len(set(data_set.values())) < 2:
        return None
    if joined:
        table = np.arange(int(there.max()) + 1)
        table[there] = list(data_set.values())
        observations = replace(observations, experiment=table[observations.experiment])
    found = consistent_settings(observations, given.normalised, given.lattice, members=members)
    of = {p.experiment: p for p in found.placed}
    placed = [replace(of[number], experiment=n) for n, number in data_set.items() if number in of]
    order = {number: k for k, number in enumerate(of)}
    placed.sort(key=lambda p: order[data_set[p.experiment]])
    return replace(found, placed=tuple(placed))
