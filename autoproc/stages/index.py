"""Index spots: find the lattices of a crystal, give spots their Miller indices, refine cell and geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.formats.dials.expt import identifier_for
from autoproc.indexing.columns import indexed_columns
from autoproc.indexing.lattices import LatticeNumbers, LatticeRotation, rotation_between
from autoproc.indexing.params import IndexParams
from autoproc.indexing.reciprocal_spots import mapped_anew, spots_in_reciprocal_space
from autoproc.indexing.search import RefinedCandidate, Search, known_space_group
from autoproc.indexing.solve import IndexingSolution, LatticesSoFar, MacroCycle, solve_lattices
from autoproc.indexing.text import (
    crystal_text,
    cycle_text,
    imageset_text,
    lattices_text,
    rotation_text,
    search_text,
)
from autoproc.indexing.uncertainty import cell_esd
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.refinement.rounds import Rmsd
from autoproc.refinement.text import rmsd_table

__all__ = ["IndexParams", "IndexResult", "format_index", "index"]

LARGE_RMSD_PX = 2.0
LOW_SHARPNESS = 7.0
LOOSE_SPOTS = (
    "spots lie loosely about the lattice points: the beam centre may be off by more than half a spacing; "
    "search-beam-position looks for a better one"
)
"""The warning of an IndexResult that is_loose."""


FEW_INDEXED = 0.70
"""Of the spots: with fewer, something else than one good lattice is on the images. Of a single crystal's strong spots
90% and more are indexed; what remains are ice, noise and the tails of its neighbours."""


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """Lattices found so far, and in what: the experiments, spots and parameters that indexing was given."""

    experiments: tuple[Experiment, ...]
    spots: Reflections
    params: IndexParams
    progress: LatticesSoFar

    def fits(self, experiments: Sequence[Experiment], spots: Reflections, params: IndexParams) -> bool:
        """Indexing these very objects would find the same lattices first."""
        return (
            spots is self.spots
            and len(experiments) == len(self.experiments)
            and all(one is other for one, other in zip(experiments, self.experiments, strict=True))
            and _but_for_number(params) == _but_for_number(self.params)
            and len(self.progress.accepted) <= (params.max_lattices or 1)
        )


def _but_for_number(params: IndexParams) -> IndexParams:
    return params.model_copy(update={"max_lattices": None})


@dataclass(frozen=True, slots=True, eq=False)
class IndexResult:
    """What indexing found.

    experiments : one per lattice and sweep, all sweeps of the first lattice first
    reflections : all spots in their order, indexed or not
    n_indexed, n_unindexed : per sweep; n_per_lattice : per lattice
    rotations : from the first lattice to each other one
    rmsds : per experiment
    macro_cycles, searches : how it was found; one search more than lattices where the last found none
    accepted : the trial that became each lattice
    warnings : what looks wrong, in words
    origin_shift : of the first lattice's indices, because their neighbours explain the spots better: the header's
        beam centre is wrong by about this reciprocal lattice vector; 0 0 0 for a good header
    begun : what the search for one more lattice goes on from
    """

    experiments: list[Experiment]
    reflections: Reflections
    n_indexed: tuple[int, ...]
    n_unindexed: tuple[int, ...]
    n_per_lattice: tuple[int, ...]
    rotations: tuple[LatticeRotation, ...]
    rmsds: tuple[Rmsd, ...]
    macro_cycles: tuple[MacroCycle, ...]
    searches: tuple[Search, ...]
    accepted: tuple[RefinedCandidate, ...]
    warnings: tuple[str, ...] = ()
    origin_shift: tuple[int, ...] = (0, 0, 0)
    begun: Begun | None = None

    @property
    def n_lattices(self) -> int:
        """Lattices found."""
        return len(self.n_per_lattice)

    @property
    def lattices(self) -> tuple[LatticeNumbers, ...]:
        """For each lattice, what tells whether it is one."""
        n_sweeps = len(self.n_indexed)
        n_all = sum(self.n_indexed) + sum(self.n_unindexed)
        angles = (0.0, *(rotation.angle for rotation in self.rotations))
        found = []
        for n, (n_spots, angle, trial) in enumerate(zip(self.n_per_lattice, angles, self.accepted, strict=True)):
            rmsds = self.rmsds[n * n_sweeps : (n + 1) * n_sweeps]
            worst = (max(r.x_px for r in rmsds), max(r.y_px for r in rmsds), max(r.z_images for r in rmsds))
            n_left = n_all - sum(self.n_per_lattice[:n])
            found.append(LatticeNumbers(n_spots, n_left, angle, *worst, trial.information, trial.sharpness))
        return tuple(found)

    @property
    def is_loose(self) -> bool:
        """Spots scatter about the points of the first lattice, as with a wrong beam centre."""
        return LOOSE_SPOTS in self.warnings

    @property
    def fraction_indexed(self) -> float:
        """Of all spots."""
        return sum(self.n_indexed) / max(1, sum(self.n_indexed) + sum(self.n_unindexed))

    @property
    def crystals(self) -> list[Crystal]:
        """One per experiment: the same cell on all sweeps of a lattice, orientations as the goniometer left them."""
        return [e.crystal for e in self.experiments if e.crystal is not None]


@single_threaded_blas
def index(
    experiments: Sequence[Experiment], spots: Reflections, params: IndexParams, earlier: IndexResult | None = None
) -> IndexResult:
    """Find the lattices that explain the spots of one or several sweeps of one sample.

    experiments : one a sweep; the column imageset_id of the spots (or experiment_id) tells their sweep.
    earlier : where it was for fewer lattices of the same experiments and spots, it is gone on from; the result is the
        same as without it
    Sweeps are indexed together: their crystals have one orientation in the goniometer's datum frame.
    Raises TooFewSpots or IndexingFailed.
    """
    sweeps = _one_per_sweep(experiments)
    observed = spots_in_reciprocal_space(sweeps, spots)
    begun = earlier.begun if earlier else None
    known = begun.progress if begun and begun.fits(experiments, spots, params) else None
    solution = solve_lattices(sweeps, observed, params, known)
    moved = solution.model.moved_sweeps()
    group = known_space_group(params)
    crystals = [
        Crystal(turn @ A, group, cell_esd=cell_esd(A, covariance))
        for A, covariance in zip(solution.model.settings, solution.fit.covariances, strict=True)
        for turn in solution.model.turn_matrices()
    ]
    found = [
        replace(
            moved[n % len(moved)],
            crystal=crystal,
            identifier=_identifier(moved[n % len(moved)], *divmod(n, len(moved))),
        )
        for n, crystal in enumerate(crystals)
    ]
    first_of_lattice = crystals[:: len(moved)]
    table = indexed_columns(found, len(sweeps), spots, mapped_anew(moved, observed), solution)
    indexed = solution.assignment.is_indexed
    rmsds = tuple(_rmsd(experiment, n, len(sweeps), observed.sweep, solution) for n, experiment in enumerate(found))
    return IndexResult(
        experiments=found,
        reflections=table,
        n_indexed=tuple(int(np.sum(indexed & (observed.sweep == n))) for n in range(len(sweeps))),
        n_unindexed=tuple(int(np.sum(~indexed & (observed.sweep == n))) for n in range(len(sweeps))),
        n_per_lattice=tuple(int(n) for n in solution.assignment.count(len(first_of_lattice))),
        rotations=tuple(
            rotation_between(crystals[0].A, crystal.A, 0, number)
            for number, crystal in enumerate(first_of_lattice)
            if number
        ),
        rmsds=rmsds,
        macro_cycles=solution.cycles,
        searches=solution.searches,
        accepted=solution.accepted,
        warnings=_warnings(rmsds, solution) + _origin_warning(solution),
        origin_shift=_origin_shift(solution),
        begun=Begun(tuple(experiments), spots, params, solution.progress),
    )


def format_index(result: IndexResult) -> str:
    """How the lattices were found, what they are, and the spots that they index."""
    n_sweeps = len(result.n_indexed)
    counts = np.bincount(
        result.reflections["experiment_id"][result.reflections["experiment_id"] >= 0], minlength=len(result.experiments)
    )
    parts = [search_text(search) for search in result.searches if search.trials]
    parts += ["Refinement, from low resolution to all spots:\n" + cycle_text(result.macro_cycles)]
    parts += ["RMSDs by experiment:\n" + rmsd_table(result.rmsds)]
    models = [crystal_text(n + 1, int(counts[n]), crystal) for n, crystal in enumerate(result.crystals)]
    parts += ["\n".join(["Refined crystal models:", *models, imageset_text(result.n_indexed, result.n_unindexed)])]
    parts += [rotation_text(rotation) for rotation in result.rotations]
    if result.n_lattices > 1:
        parts += ["Lattices, in the order in which they were found:\n" + lattices_text(result.lattices)]
    if n_sweeps > 1:
        parts += ["Models are numbered sweep by sweep, lattice after lattice."]
    parts += [f"Warning: {warning}" for warning in (*_few_indexed(result), *result.warnings)]
    return "\n\n".join(parts)


def _few_indexed(result: IndexResult) -> tuple[str, ...]:
    """For whoever looks at this step alone; in the summary of a sweep a check says it."""
    if result.fraction_indexed >= FEW_INDEXED:
        return ()
    return (
        f"{result.fraction_indexed:.0%} of the spots indexed: try max_lattices={result.n_lattices + 1}; other causes "
        "are ice or salt, a wrong beam centre (search-beam-position) or distance",
    )


def _warnings(rmsds: Sequence[Rmsd], solution: IndexingSolution) -> tuple[str, ...]:
    worst = max((max(r.x_px, r.y_px) for r in rmsds), default=0.0)
    found = []
    if worst > LARGE_RMSD_PX:
        found.append(
            f"spots are {worst:.1f} px from their calculated positions: lattice or beam centre may be wrong; run "
            "search-beam-position first, or give index.unit_cell if it is known"
        )
    is_loose = bool(solution.accepted) and solution.accepted[0].sharpness < LOW_SHARPNESS
    if is_loose and not solution.origin_shifts:
        found.append(LOOSE_SPOTS)
    return tuple(found)


def _origin_shift(solution: IndexingSolution) -> tuple[int, ...]:
    return tuple(sum(components) for components in zip(*solution.origin_shifts, strict=True)) or (0, 0, 0)


def _origin_warning(solution: IndexingSolution) -> tuple[str, ...]:
    if not solution.origin_shifts:
        return ()
    panel, move = solution.model.sweeps[0].detector[0], solution.model.moves[0, :3]
    fast = move @ panel.fast_axis / panel.pixel_size[0]
    slow = move @ panel.slow_axis / panel.pixel_size[1]
    return (
        f"the beam centre was off by about a lattice spacing: the detector was moved by {fast:.1f} {slow:.1f} px "
        "(fast, slow), and the indices with it, because the spots fit clearly better",
    )


def _one_per_sweep(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The sweeps without crystals and what depends on them; lattices of an earlier indexing count once."""
    seen: dict[tuple[int, int], Experiment] = {}
    for experiment in experiments:
        bare = replace(experiment, crystal=None, profile=None, scaling=None)
        key = (id(experiment.imageset), id(experiment.scan)) if experiment.imageset is not None else (id(experiment), 0)
        seen.setdefault(key, bare)
    return list(seen.values())


def _identifier(sweep: Experiment, lattice: int, number: int) -> str:
    if sweep.imageset is None:
        return f"{sweep.identifier or number}:{lattice}"
    return identifier_for(sweep.imageset, sweep.scan, lattice)


def _rmsd(experiment: Experiment, number: int, n_sweeps: int, sweep: np.ndarray, solution: IndexingSolution) -> Rmsd:
    fit = solution.fit
    lattice, index = divmod(number, n_sweeps)
    of_experiment = (solution.assignment.lattice[fit.used] == lattice) & (sweep[fit.used] == index)
    used = of_experiment & (fit.weight > 0)
    if not used.any():
        return Rmsd(0, 0.0, 0.0, 0.0)
    width = np.radians(experiment.scan.oscillation[1]) or 1.0
    x, y, z = np.sqrt(np.mean(np.square(fit.residuals[used]), axis=0))
    px = experiment.detector[0].pixel_size
    return Rmsd(int(used.sum()), float(x / px[0]), float(y / px[1]), float(z / width))
