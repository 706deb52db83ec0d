"""Find one lattice: periodicities, candidate bases, each refined at low resolution first, the most telling wins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import gemmi
import numpy as np

from autoproc.indexing.assign import Tolerance, assign, index_deviations, observed_tolerance
from autoproc.indexing.candidates import BasisCandidate, assess, is_same_lattice, rank_candidates
from autoproc.indexing.fft1d import find_vectors as vectors_by_fft1d
from autoproc.indexing.fft3d import COARSE_GRID, GRID, transform_d_min
from autoproc.indexing.fft3d import find_vectors as vectors_by_fft3d
from autoproc.indexing.grid_search import find_bases
from autoproc.indexing.least_squares import refine_model
from autoproc.indexing.max_cell import estimate_max_cell
from autoproc.indexing.model import Model
from autoproc.indexing.params import IndexParams
from autoproc.indexing.reciprocal_spots import ReciprocalSpots
from autoproc.indexing.settings import allowed_modes, in_setting, is_near_cell, known_reduced_basis
from autoproc.indexing.vectors import choose_vectors, refine_vectors
from autoproc.models.crystal import cell_from_real_matrix
from autoproc.models.space_group import space_group_named
from autoproc.robust import robust_sigma

GRID_SEARCH = "real_space_grid_search"
GRID_D_MIN = 0.1
MAX_SEARCH_SPOTS = 4000
MIN_SEARCH_SPOTS = 60
MAX_TRIAL_SPOTS = 1500
N_TRIALS = 12
FIRST_SPOTS = 60
LEAST_FRACTION = 0.05
GROWTH = 3.0
MAX_CELL_FACTORS = (1.0, 0.5, 2.0, 0.25)
FEW_SPOTS = 150
"""So few spots lie further from each other than the shortest reciprocal axis: the cell may be much longer than their
distances tell."""
MAX_CELL_FACTORS_FEW = (1.0, 2.0, 4.0, 0.5)
MIN_COARSE_SPOTS = 300
"""To the resolution of the coarse transform, for it to be tried."""
GOOD_FRACTION = 0.5
GOOD_FRACTION_FEW = 0.9
MIN_INFORMATION = 200.0
MIN_SIGMA = 0.002
LARGEST_TOLERANCE = 0.3
VOLUME_ERROR = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class RefinedCandidate:
    """A candidate after its quick refinement.

    model : with this one lattice; n_indexed of n_spots; rms (3,) mm, mm, radians; information: bits
    sharpness: bits an indexed spot, by how narrowly spots lie about lattice points; 10 and more for a good lattice
    """

    candidate: BasisCandidate
    model: Model
    n_indexed: int
    n_spots: int
    rms: np.ndarray
    information: float
    sharpness: float

    @property
    def cell(self) -> tuple[float, ...]:
        """a, b, c, alpha, beta, gamma after refinement."""
        return cell_from_real_matrix(np.linalg.inv(self.model.settings[0]))

    @property
    def volume(self) -> float:
        """Of the refined cell, cubic Angstrom."""
        return 1 / abs(float(np.linalg.det(self.model.settings[0])))

    @property
    def fraction(self) -> float:
        """Of the trial's spots that it indexes."""
        return self.n_indexed / max(1, self.n_spots)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What a search found: trials, the best first, and the limits that it was made with."""

    trials: tuple[RefinedCandidate, ...]
    max_cell: float
    d_min: float


def find_lattice(model: Model, spots: ReciprocalSpots, params: IndexParams) -> Search:
    """Search for one lattice among spots. The result has no trial where there is none at all.

    Longer and shorter limits of the cell are tried while less than half of the spots are indexed, and another method
    where there are few; a known cell is looked for in every orientation then.
    """
    spots = model.placed(spots)
    start = params.max_cell or cell_limit(model, spots, params)
    best: Search | None = None
    for attempt in _attempts(params, spots.d, start):
        search = _search(model, spots, params, attempt)
        best = search if best is None or _score(search) > _score(best) else best
        if best.trials and best.trials[0].fraction > attempt.enough and _score(best) > MIN_INFORMATION:
            break
    assert best is not None
    return best


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A method, the longest cell it looks for, its grid if it has one, and the fraction indexed that is enough."""

    method: str
    max_cell: float
    grid: int
    enough: float


def _attempts(params: IndexParams, d: np.ndarray, start: float) -> list[_Attempt]:
    """The most promising first. d : (N,) of the spots, Angstrom; start : longest cell to begin with."""
    is_many = len(d) > FEW_SPOTS
    enough, least = GOOD_FRACTION if is_many else GOOD_FRACTION_FEW, 2 * params.min_cell
    if params.unit_cell is not None:
        methods = dict.fromkeys((params.method, GRID_SEARCH))
        return [_Attempt(method, max(least, start), GRID, enough) for method in methods]
    method = "fft3d" if params.method == GRID_SEARCH else params.method
    factors: tuple[float, ...] = MAX_CELL_FACTORS if is_many else MAX_CELL_FACTORS_FEW
    if params.max_cell is not None:
        factors = (1.0,)
    methods = dict.fromkeys((method,) if is_many else (method, "fft1d"))
    attempts = [_Attempt(m, max(least, start * factor), GRID, enough) for m in methods for factor in factors]
    first = replace(attempts[0], grid=COARSE_GRID)
    n_coarse = np.count_nonzero(d >= transform_d_min(first.max_cell, COARSE_GRID))
    is_coarse_enough = method == "fft3d" and params.d_min is None and n_coarse >= MIN_COARSE_SPOTS
    return [first, *attempts] if is_coarse_enough else attempts


def cell_limit(model: Model, spots: ReciprocalSpots, params: IndexParams) -> float:
    """max_cell, Angstrom: from the known cell, or from the distances between the spots of a sweep."""
    if params.unit_cell is not None:
        return 1.3 * max(params.unit_cell[:3])
    estimates = []
    for index, sweep in enumerate(model.moved_sweeps()):
        panel = sweep.detector[0]
        px_size = panel.pixel_size[0] / (max(panel.distance, 1.0) * sweep.beam.wavelength)
        estimates.append(estimate_max_cell(spots.rlp[spots.sweep == index], px_size))
    return max(estimates)


def information(A: np.ndarray, spots: ReciprocalSpots, tolerance: Tolerance) -> tuple[float, float]:
    """Bits that a lattice saves in telling where spots are (larger is better, 0 is none), and its sharpness.

    A point on the lattice, with deviations sigma of its fractional indices, takes
    log2(1 / (sigma sqrt(2 pi e))) bits less for each of them than a point anywhere in the cell (their sum is the
    sharpness); which points are on the lattice has to be told as well. A cell twice too large costs a bit a point.
    """
    _, residual, smeared = index_deviations(A, spots)
    near = tolerance.admits(residual, residual - smeared)
    n, total = int(near.sum()), len(spots)
    if n < 4:
        return 0.0, 0.0
    sigma = np.maximum(robust_sigma(residual[near]), MIN_SIGMA)
    sharpness = -float(np.sum(np.log2(sigma * np.sqrt(2 * np.pi * np.e))))
    share = n / total
    mixing = n * np.log2(share) + (total - n) * np.log2(1 - share) if n < total else 0.0
    return n * sharpness + float(mixing), sharpness


def _score(search: Search) -> float:
    return search.trials[0].information if search.trials else 0.0


def _search(model: Model, spots: ReciprocalSpots, params: IndexParams, attempt: _Attempt) -> Search:
    max_cell, is_by_grid = attempt.max_cell, attempt.method == GRID_SEARCH
    d_min = params.d_min or (GRID_D_MIN * max_cell if is_by_grid else transform_d_min(max_cell, attempt.grid))
    d_min = min(d_min, _resolution_of(spots.d, MIN_SEARCH_SPOTS))
    within = spots[spots.d >= d_min]
    used = _thinned(within, MAX_SEARCH_SPOTS)
    if is_by_grid and params.unit_cell is not None:
        candidates = _oriented(used.rlp, params)
    else:
        vectors = _vectors(within.rlp, used.rlp, params, attempt, d_min)
        candidates = rank_candidates(vectors, used.rlp, _volumes(params), params.min_cell)
        if params.unit_cell is not None or params.space_group is not None:
            candidates = _in_known_setting(candidates, params, used.rlp)
    low_first = _thinned(spots, MAX_TRIAL_SPOTS)
    low_first = low_first[np.argsort(-low_first.d, kind="stable")]
    trials = [try_candidate(model, low_first, c, params) for c in candidates[:N_TRIALS]]
    possible = [t for t in trials if params.unit_cell is None or is_near_cell(t.cell, params.unit_cell)]
    return Search(tuple(sorted(possible, key=lambda t: -t.information)), max_cell, d_min)


def _oriented(rlp: np.ndarray, params: IndexParams) -> list[BasisCandidate]:
    """The known cell in its best orientations, those first that index most."""
    assert params.unit_cell is not None
    distinct: list[np.ndarray] = []
    for real in find_bases(rlp, known_reduced_basis(params.unit_cell, known_space_group(params))):
        if not any(is_same_lattice(real, other) for other in distinct):
            distinct.append(real)
    candidates = _in_known_setting([assess(real, rlp) for real in distinct], params, rlp)
    return sorted(candidates, key=lambda c: -c.n_indexed)


def _vectors(all_rlp: np.ndarray, rlp: np.ndarray, params: IndexParams, attempt: _Attempt, d_min: float) -> np.ndarray:
    """Periodicities by one of the methods, refined; the shortest good ones."""
    shortest, longest = params.min_cell, 2 * attempt.max_cell
    if attempt.method == "fft1d":
        vectors = vectors_by_fft1d(rlp, shortest, longest)
    else:
        vectors = vectors_by_fft3d(all_rlp, d_min, shortest, longest, attempt.grid)
    return choose_vectors(*refine_vectors(vectors, rlp), shortest, longest)[0]


def _volumes(params: IndexParams) -> tuple[float, float]:
    """Limits of the primitive cell's volume."""
    if params.unit_cell is None:
        return params.min_volume, np.inf
    volume = abs(float(np.linalg.det(known_reduced_basis(params.unit_cell, known_space_group(params)))))
    return (1 - VOLUME_ERROR) * volume, (1 + VOLUME_ERROR) * volume


def _in_known_setting(candidates: list[BasisCandidate], params: IndexParams, rlp: np.ndarray) -> list[BasisCandidate]:
    """Those candidates that have the known cell or symmetry, in its setting."""
    group = known_space_group(params)
    found = []
    for candidate in candidates:
        real = in_setting(candidate.real, group, params.unit_cell)
        if real is not None:
            found.append(assess(real, rlp))
    return found


def known_space_group(params: IndexParams) -> gemmi.SpaceGroup:
    """The space group that was given, else P1."""
    group = space_group_named(params.space_group) if params.space_group else None
    return group or gemmi.SpaceGroup("P 1")


def try_candidate(
    model: Model, low_first: ReciprocalSpots, candidate: BasisCandidate, params: IndexParams
) -> RefinedCandidate:
    """Refine a candidate against more and more spots, sorted from low to high resolution.

    Of the first spots the candidate indexes enough to be refined by, however many belong to something else.
    """
    trial = model.with_settings([candidate.A])
    modes = [allowed_modes(candidate.A, known_space_group(params))] if params.unit_cell is not None else None
    n = min(int(FIRST_SPOTS / max(candidate.fraction, LEAST_FRACTION)), len(low_first))
    while True:
        used = low_first[np.arange(n)]
        placed = trial.placed(used)
        tolerance = observed_tolerance(trial.settings[0], placed, LARGEST_TOLERANCE)
        assignment = assign(trial.settings, placed, [tolerance])
        fit = refine_model(trial, used, assignment, modes, n_cycles=3, move_detector=params.refine_detector)
        trial = fit.model
        if n == len(low_first):
            break
        n = min(int(n * GROWTH), len(low_first))
    placed = trial.placed(low_first)
    A = trial.settings[0]
    tolerance = observed_tolerance(A, placed, LARGEST_TOLERANCE)
    indexed = assign([A], placed, [tolerance]).is_indexed
    return RefinedCandidate(
        candidate, trial, int(indexed.sum()), len(placed), fit.rms, *information(A, placed, tolerance)
    )


def _resolution_of(d: np.ndarray, n: int) -> float:
    """Resolution to which there are at least n spots."""
    return float(np.sort(d)[::-1][min(n, len(d)) - 1])


def _thinned(spots: ReciprocalSpots, n: int) -> ReciprocalSpots:
    """About n of the spots, evenly spaced in the table."""
    return spots[np.arange(0, len(spots), max(1, len(spots) // n))]
