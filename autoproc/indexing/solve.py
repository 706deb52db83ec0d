"""Lattice after lattice: search among the spots left over, refine all together, until the spots are explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from autoproc.errors import IndexingFailed, KnownCellNotFound, TooFewSpots
from autoproc.geometry.constraints import constrain_setting
from autoproc.indexing.assign import Assignment, assign, observed_tolerance
from autoproc.indexing.candidates import niggli_reduced
from autoproc.indexing.lattices import rotation_between
from autoproc.indexing.least_squares import LatticeFit, refine_model
from autoproc.indexing.model import Model, model_of
from autoproc.indexing.origin import is_shift_likely, neighbouring_origins
from autoproc.indexing.params import IndexParams
from autoproc.indexing.reciprocal_spots import ReciprocalSpots
from autoproc.indexing.search import MIN_INFORMATION, RefinedCandidate, Search, find_lattice, known_space_group
from autoproc.indexing.settings import allowed_modes, in_setting, is_near_cell
from autoproc.indexing.superlattice import sublattice, superlattice
from autoproc.models.crystal import cell_from_real_matrix
from autoproc.models.experiment import Experiment
from autoproc.models.space_group import rotations_of

MIN_SPOTS = 12
MIN_INDEXED = 10
ENOUGH_INDEXED = 0.9
FIRST_CYCLE_SPOTS = 1000
MAX_REFINED_SPOTS = 6000
LEAST_SHARE = 0.05
"""Of the spots, that is taken to be indexed in a round where the one before it indexed hardly any."""
MAX_ORIGIN_SHIFTS = 4
MAX_RMSD_PHI = np.radians(5.0)
"""Of the angles at which spots were seen; no lattice is right that is off by more, where images are narrow. Good
lattices have 1 to 2 images; a false one of real spots had 13."""
MAX_RMSD_IMAGES = 2.0
"""The same where images are so wide that a spot's angle is known no better than its image."""
LATER_RMSD_RATIO = 5.0
"""Times the first lattice's RMSD on the detector and in phi that a later one's may have: real lattices in wedges of
one degree had up to 2 px-wise and 3.5 in phi, a distorted one 30 and 21."""
OTHER_FORM_INFORMATION = 400.0
"""Bits that a later lattice of another cell than the first has to save: one of chance in a real wedge saved 317."""
SAME_FORM_SHARE = 0.8
"""Of the spots of the best lattice, those that one with the first lattice's cell has to explain to be preferred."""
MAX_VOLUME_CHANGES = 4
"""Of the cell, by 2 or 3 each: 81 times, beyond the 9 and 12 of the worst cells that were seen."""
SAME_VOLUME = 0.1
"""Relative difference below which a cell has been there before: changing to and fro ends."""
CLOSE = 5.0
"""Degrees between lattices; one that is closer to another may be made of its stray spots."""
CLOSE_SHARE = 0.25
"""Of the spots left over, those that a lattice so close has to explain."""


@dataclass(frozen=True, slots=True, eq=False)
class MacroCycle:
    """One round: of n_spots to d_min (Angstrom) n_indexed are indexed; rms (3,) in mm, mm, radians."""

    n_lattices: int
    d_min: float
    n_spots: int
    n_indexed: int
    rms: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class LatticesSoFar:
    """Lattices found one after the other: what the search for a further one goes on from.

    is_over : a further one was looked for in vain, or hardly any spots are left over
    For the other fields see IndexingSolution.
    """

    model: Model
    searches: tuple[Search, ...] = ()
    cycles: tuple[MacroCycle, ...] = ()
    accepted: tuple[RefinedCandidate, ...] = ()
    origin_shifts: tuple[tuple[int, int, int], ...] = ()
    is_over: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class IndexingSolution:
    """The lattices that explain the spots, refined; how they were found, and the trials that became them.

    origin_shifts : of the first lattice's indices, made one after another, because the spots fit better
    is_over : no further lattice is to be found
    """

    model: Model
    assignment: Assignment
    fit: LatticeFit
    searches: tuple[Search, ...]
    cycles: tuple[MacroCycle, ...]
    accepted: tuple[RefinedCandidate, ...]
    origin_shifts: tuple[tuple[int, int, int], ...] = ()
    is_over: bool = True

    @property
    def progress(self) -> LatticesSoFar:
        """The same without what is told of every spot."""
        return LatticesSoFar(self.model, self.searches, self.cycles, self.accepted, self.origin_shifts, self.is_over)


def solve_lattices(
    sweeps: Sequence[Experiment], spots: ReciprocalSpots, params: IndexParams, begun: LatticesSoFar | None = None
) -> IndexingSolution:
    """Find up to max_lattices lattices.

    begun : of the same sweeps and spots with the same parameters but for a smaller max_lattices; the result is the
        same without it
    Raises TooFewSpots or IndexingFailed.
    """
    try:
        return _solve(sweeps, spots, params, begun)
    finally:
        for remembered in (_placed, _assigned, _fit_as_it_is):
            remembered.cache_clear()


def _solve(
    sweeps: Sequence[Experiment], spots: ReciprocalSpots, params: IndexParams, begun: LatticesSoFar | None
) -> IndexingSolution:
    if len(spots) < MIN_SPOTS:
        raise TooFewSpots(n_spots=len(spots), stage="indexing", needed=MIN_SPOTS)
    so_far = begun or LatticesSoFar(model_of(sweeps))
    while not so_far.is_over and len(so_far.accepted) < (params.max_lattices or 1):
        so_far = _with_one_more(so_far, spots, params)
    model = so_far.model
    if not model.settings:
        is_known = params.unit_cell is not None or params.space_group is not None
        failed = KnownCellNotFound if is_known else IndexingFailed
        raise failed(n_spots=len(spots), reason=_why_not(so_far.searches[-1], params))
    assignment, fit = _assigned(model, spots, params), _fit_as_it_is(model, spots, params)
    return IndexingSolution(
        model, assignment, fit, so_far.searches, so_far.cycles, so_far.accepted, so_far.origin_shifts, so_far.is_over
    )


def _with_one_more(so_far: LatticesSoFar, spots: ReciprocalSpots, params: IndexParams) -> LatticesSoFar:
    """One lattice further, or the end of it."""
    model, rest = so_far.model, _left_over(so_far.model, spots, params)
    if len(rest) < MIN_SPOTS:
        return replace(so_far, is_over=True)
    search = find_lattice(model, spots[rest], _of_search(model, params))
    searches = (*so_far.searches, search)
    found = _next_lattice(model, search, spots, rest, params)
    if found is None:
        return replace(so_far, searches=searches, is_over=True)
    trial, model, cycles = found
    shifts: list[tuple[int, int, int]] = []
    model = _refined_with_right_volume(model, spots, params, cycles)
    if not so_far.accepted and params.refine_detector:
        model = _with_right_origin(model, spots, params, cycles, shifts)
    is_over = len(_left_over(model, spots, params)) <= (1 - ENOUGH_INDEXED) * len(spots)
    return LatticesSoFar(
        model, searches, (*so_far.cycles, *cycles), (*so_far.accepted, trial), (*so_far.origin_shifts, *shifts), is_over
    )


def _left_over(model: Model, spots: ReciprocalSpots, params: IndexParams) -> np.ndarray:
    """Rows of the spots on no lattice."""
    return np.flatnonzero(~_assigned(model, spots, params).is_indexed) if model.settings else np.arange(len(spots))


def _next_lattice(
    model: Model, search: Search, spots: ReciprocalSpots, rest: np.ndarray, params: IndexParams
) -> tuple[RefinedCandidate, Model, list[MacroCycle]] | None:
    """The lattice that a search found; if it has another cell than the first, one with that cell where there is one.

    Grains of one sample are of one crystal form unless they clearly are not: with few spots left over a cell of
    chance explains as many as the right one.
    """
    found = _first_to_last(model, search, spots, params)
    if not model.settings or params.unit_cell is not None:
        return found
    first = cell_from_real_matrix(np.linalg.inv(model.settings[0]))
    if found is not None and _has_form(found[1].settings[-1], model.settings[0]):
        return found
    known = params.model_copy(update={"unit_cell": first})
    same = _first_to_last(model, find_lattice(model, spots[rest], _of_search(model, known)), spots, known)
    if found is None or found[0].information < OTHER_FORM_INFORMATION:
        return same
    is_enough = same is not None and same[0].n_indexed >= SAME_FORM_SHARE * found[0].n_indexed
    return same if is_enough else found


def _of_search(model: Model, params: IndexParams) -> IndexParams:
    """Trials of later lattices leave the detector where the first put it, where they have to fit with it."""
    return params.model_copy(update={"refine_detector": False}) if model.settings else params


def _has_form(A: np.ndarray, first: np.ndarray) -> bool:
    """Both lattices have one reduced cell, within what a narrow wedge tells of it."""
    cells = [cell_from_real_matrix(niggli_reduced(np.linalg.inv(a))) for a in (A, first)]
    return is_near_cell(*cells)


def _first_to_last(
    model: Model, search: Search, spots: ReciprocalSpots, params: IndexParams
) -> tuple[RefinedCandidate, Model, list[MacroCycle]] | None:
    """The first of the acceptable trials that still has a possible or the known cell when it is refined against all."""
    for trial in search.trials:
        if _is_acceptable(trial, model, params):
            cycles: list[MacroCycle] = []
            refined = _refined(_with_lattice(model, trial, params), spots, params, cycles)
            cell = cell_from_real_matrix(np.linalg.inv(refined.settings[-1]))
            if _is_far_off(refined, spots, params):
                continue
            is_possible = min(cell[:3]) >= params.min_cell
            if is_possible if params.unit_cell is None else is_near_cell(cell, params.unit_cell):
                return trial, refined, cycles
    return None


def _is_far_off(model: Model, spots: ReciprocalSpots, params: IndexParams) -> bool:
    """The last lattice's spots are further from their places than those of any right lattice, or than the first's."""
    fit = _fit_as_it_is(model, spots, params)
    lattice = _assigned(model, spots, params).lattice[fit.used]
    last = len(model.settings) - 1
    if not np.any((lattice == last) & (fit.weight > 0)):
        return True
    rms = _rms(fit, lattice == last)
    if rms[2] > largest_rmsd_phi(model.sweeps):
        return True
    if last == 0:
        return False
    first = np.maximum(_rms(fit, lattice == 0), _least_rms(model.sweeps))
    on_detector = float(np.hypot(*rms[:2]) / np.hypot(*first[:2]))
    return max(on_detector, float(rms[2] / first[2])) > LATER_RMSD_RATIO


def largest_rmsd_phi(sweeps: Sequence[Experiment]) -> float:
    """Radians by which the spots of a lattice may be off: 5 degrees, or two images where images are wider."""
    widest = max(abs(sweep.scan.oscillation[1]) for sweep in sweeps)
    return max(MAX_RMSD_PHI, MAX_RMSD_IMAGES * float(np.radians(widest)))


def _rms(fit: LatticeFit, of_lattice: np.ndarray) -> np.ndarray:
    """(3,) mm, mm, radians, of the spots of one lattice that are no outliers; zeros where it has none."""
    good = fit.residuals[of_lattice & (fit.weight > 0)]
    return np.sqrt(np.mean(np.square(good), axis=0)) if len(good) else np.zeros(3)


def _least_rms(sweeps: Sequence[Experiment]) -> np.ndarray:
    """(3,) half a pixel and half an image: a better first lattice does not ask more of later ones."""
    px = sweeps[0].detector[0].pixel_size
    return 0.5 * np.array([*px, np.radians(abs(sweeps[0].scan.oscillation[1]))])


def _is_acceptable(trial: RefinedCandidate, model: Model, params: IndexParams) -> bool:
    """Enough spots, more than by chance, and no repetition of a lattice that is there."""
    if trial.information < MIN_INFORMATION or trial.n_indexed < MIN_INDEXED or trial.fraction < params.min_fraction:
        return False
    new = trial.model.settings[0]
    nearest = min((rotation_between(old, new).angle for old in model.settings), default=np.inf)
    return nearest > params.min_angular_separation and (nearest > CLOSE or trial.fraction >= CLOSE_SHARE)


def _with_lattice(model: Model, trial: RefinedCandidate, params: IndexParams) -> Model:
    """The model with the trial's lattice added, in its reduced or known setting, its symmetry imposed."""
    base = model if model.settings else trial.model
    real = np.linalg.inv(trial.model.settings[0])
    if params.unit_cell is None and params.space_group is None:
        real = niggli_reduced(real)
    return _symmetric(base.with_settings([*model.settings, np.linalg.inv(real)]), params)


def _symmetric(model: Model, params: IndexParams) -> Model:
    """The model with the symmetry of the known space group imposed on its cells."""
    if params.space_group is None:
        return model
    rotations = rotations_of(known_space_group(params))
    return model.with_settings([constrain_setting(A, rotations) for A in model.settings])


def _refined(model: Model, spots: ReciprocalSpots, params: IndexParams, cycles: list[MacroCycle]) -> Model:
    """All lattices together against spots to higher and higher resolution; the rounds are added to `cycles`.

    Of many spots some are tried, evenly from all, so that about MAX_REFINED_SPOTS are indexed.
    """
    order = np.argsort(-spots.d, kind="stable")
    first = min(FIRST_CYCLE_SPOTS, len(spots))
    share = 1.0
    for size in np.rint(np.geomspace(first, len(spots), max(2, params.n_macro_cycles))).astype(int):
        within = spots[np.sort(order[:size])[:: max(1, int(share * size) // MAX_REFINED_SPOTS)]]
        assignment = _assignment(model, model.placed(within), params)
        rows = np.flatnonzero(assignment.is_indexed)
        chosen = Assignment(assignment.lattice[rows], assignment.hkl[rows])
        modes = _modes(model, params)
        fit = refine_model(model, within[rows], chosen, modes, n_cycles=3, move_detector=params.refine_detector)
        model = _symmetric(fit.model, params)
        share = max(len(rows) / len(within), LEAST_SHARE)
        cycles.append(MacroCycle(len(model.settings), float(within.d.min()), len(within), len(rows), fit.rms))
    return model


@lru_cache(maxsize=1)
def _placed(model: Model, spots: ReciprocalSpots) -> ReciprocalSpots:
    """Spots in the frame of a model; of the last one that was asked for it is remembered."""
    return model.placed(spots)


@lru_cache(maxsize=1)
def _fit_as_it_is(model: Model, spots: ReciprocalSpots, params: IndexParams) -> LatticeFit:
    """Residuals and uncertainties of a model that stays as it is; remembered as well."""
    assignment, modes = _assigned(model, spots, params), _modes(model, params)
    return refine_model(model, spots, assignment, modes, n_cycles=0, move_detector=params.refine_detector)


@lru_cache(maxsize=1)
def _assigned(model: Model, spots: ReciprocalSpots, params: IndexParams) -> Assignment:
    """Spots given to lattices, within what each lattice's own scatter allows; remembered as well."""
    return _assignment(model, _placed(model, spots), params)


def _assignment(model: Model, placed: ReciprocalSpots, params: IndexParams) -> Assignment:
    tolerances = [observed_tolerance(A, placed, params.tolerance) for A in model.settings]
    return assign(model.settings, placed, tolerances)


def _modes(model: Model, params: IndexParams) -> list[np.ndarray]:
    group = known_space_group(params)
    return [allowed_modes(A, group) for A in model.settings]


def _with_right_volume(model: Model, spots: ReciprocalSpots, params: IndexParams) -> Model:
    """The last lattice replaced by a larger or smaller one where the spots ask for it; a known cell stays."""
    if params.unit_cell is not None:
        return model
    A = model.settings[-1]
    last = len(model.settings) - 1
    assignment = _assigned(model, spots, params)
    placed = _placed(model, spots)
    found = superlattice(A, placed.rlp[(assignment.lattice == last) | ~assignment.is_indexed])
    if found is None and params.space_group is None:
        found = sublattice(A, placed.rlp[assignment.lattice == last])
    if found is None:
        return model
    real = in_setting(np.linalg.inv(found), known_space_group(params), None)
    if real is None:
        return model
    return _symmetric(model.with_settings([*model.settings[:-1], np.linalg.inv(real)]), params)


def _refined_with_right_volume(
    model: Model, spots: ReciprocalSpots, params: IndexParams, cycles: list[MacroCycle]
) -> Model:
    """The model refined anew for as long as the volume of its cell is wrong; the same model where it was right.

    Each change is by 2 or 3; a cell six or nine times too large takes two, which tell only one after the other.
    """
    volumes: list[float] = []
    for _ in range(MAX_VOLUME_CHANGES):
        changed = _with_right_volume(model, spots, params)
        if changed is model or any(abs(v / _volume(changed) - 1) < SAME_VOLUME for v in volumes):
            break
        volumes.append(_volume(model))
        model = _refined(changed, spots, params, cycles)
    return model


def _volume(model: Model) -> float:
    """Of the last lattice's cell, cubic Angstrom."""
    return 1 / abs(float(np.linalg.det(model.settings[-1])))


def _with_right_origin(
    model: Model,
    spots: ReciprocalSpots,
    params: IndexParams,
    cycles: list[MacroCycle],
    shifts: list[tuple[int, int, int]],
) -> Model:
    """The model with its indices shifted, step by step, for as long as the spots clearly fit better.

    A centre that was off by half a spacing had the cell doubled, which shows once the centre is right.
    """
    for _ in range(MAX_ORIGIN_SHIFTS):
        origins = neighbouring_origins(model, spots, _assigned(model, spots, params))
        if not is_shift_likely(origins):
            break
        shifts.append(origins[0].shift)
        model = _refined(_symmetric(origins[0].model, params), spots, params, cycles)
        model = _refined_with_right_volume(model, spots, params, cycles)
    return model


def _why_not(search: Search, params: IndexParams) -> str:
    if not search.trials:
        known = " with the known cell" if params.unit_cell is not None or params.space_group is not None else ""
        return f"no candidate lattice{known} up to {search.max_cell:.0f} A was found"
    best = max(search.trials, key=lambda t: t.n_indexed)
    cell = " ".join(f"{x:.1f}" for x in best.cell)
    return f"the best candidate, {cell}, indexed {best.fraction:.0%} of the spots tried"
