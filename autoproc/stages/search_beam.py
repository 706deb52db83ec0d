"""Search for the beam centre: the shift at which the spots lie on a lattice through the origin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.beam_search.compare import ShiftFit, advantage, confidence, fit_shift
from autoproc.beam_search.params import SearchBeamParams
from autoproc.beam_search.periods import find_periods, longest_period, pair_differences, strongest, wedges
from autoproc.beam_search.score import SpotPositions, agreement_map, local_maxima, shift_beam_centre
from autoproc.errors import IndexingFailed, TooFewSpots
from autoproc.geometry.detector import beam_centre_px
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections

PERIOD_POWER = 0.5
"""Periods weaker than this fraction of the strongest are noise."""

LONGER = (1.0, 2.0, 4.0)
"""Times the longest period that neighbouring spots suggest."""

LEAST_PERIODS = 3
"""Periods of which the mean power is compared."""

STRONG_PERIODS = 0.4
"""Their power in the differences between the spots of a lattice, at least; among noise it is lower."""

LEAST_AGREEMENT = 0.2
"""With any shift; where it is less nothing is learnt about the beam centre, and the header's stays."""

GOOD_PERIOD = 0.5
"""Periods whose agreement with the best shift is below this fraction of the highest are not of the lattice."""

IMPROVEMENT = 0.03
"""A smaller gain in agreement is no reason to leave the header's beam centre."""

SMOOTHNESS = 0.15
"""Cycles by which the phase of the longest period changes from one point of the map to the next."""

CLEARLY = 4.0
"""Standard errors by which the spots agree better with a shift that is clearly better."""

FEW_JUDGES = 50
"""Spots; with so few as these twice as many standard errors are asked for."""

LEAST_DIFFERENCE = 0.005
"""Of the agreement, that a clearly better shift has: less is within what imperfect detectors do."""

MOST_JUDGES = 1500
"""Spots by which shifts are judged, the strongest."""

CONVINCING = 0.8
"""Agreement from which a centre is taken for the right one. Simulated sweeps of one lattice whose centre was wrong by 2
to 9 mm gave 0.99 at the right one, and 0.70 at most where a search from too far away ended, but for one of 0.93 beside
the 0.99."""

CERTAIN = 0.97
"""Agreement from which no better centre is looked for: between those 0.93 and 0.99."""

FAR_GAIN = 0.1
"""In agreement, that a centre far from the header's must have beyond the best near it."""

STANDS = 0.3
"""mm from the header's within which a centre found near it bears the header out. Two lattices share the agreement: of
equal ones it was 0.67 at the right centre over 40 degrees, and 0.56 over 4, which was found within 0.1 mm; where the
header was 5.8 to 7 mm off, that search ended 1.4 to 4.7 mm from there (simulated, cells of 37 to 78 Angstrom)."""

SHARED = 0.5
"""Agreement from which that is believed, and no centre is looked for farther away."""

SURE = 0.99
"""And confidence."""

REPLACED = "the header's beam centre was replaced by that of a search"
"""How the sentence begins that says so."""

N_MAXIMA = 40
"""Highest maxima of the map that are tried with few spots: a cell of 200 Angstrom has as many within 4 mm."""

N_ROUGH = 200
"""So many."""

N_FITS = 6
"""Best of them that are refined with all."""

MAX_GRID = 161
"""Most points of the map along each axis."""


@dataclass(frozen=True, slots=True, eq=False)
class BeamShift:
    """A shift of the beam centre, fast and slow, mm and px, and the agreement of the spots with it.

    agreement : mean of cos(2 pi r . t) over the spots r and the periods t of the lattice: 1 is perfect, 0
        random; two lattices on one sweep share it
    of_spots : (N,) the same of each spot
    """

    mm: tuple[float, float]
    px: tuple[float, float]
    agreement: float
    of_spots: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class SearchBeamResult:
    """The best beam centre.

    experiment : with the detector moved, beam and everything else as before
    shift : from the header to the best; agreement_before : with the header's
    alternatives : other shifts that are nearly as good, by falling agreement: the spots do not tell
    n_spots, n_periods : that it was judged by
    centre_before, centre_after : beam centre (fast, slow), px
    confidence : 0 to 1, that the shift is right and not another, about a reciprocal lattice vector away
    """

    experiment: Experiment
    shift: BeamShift
    agreement_before: float
    alternatives: tuple[BeamShift, ...]
    n_spots: int
    n_periods: int
    centre_before: tuple[float, float]
    centre_after: tuple[float, float]
    confidence: float

    @property
    def is_ambiguous(self) -> bool:
        """Another shift would do nearly as well."""
        return bool(self.alternatives)

    @property
    def is_improved(self) -> bool:
        """The spots agree clearly better with the new beam centre, and with no other."""
        return self.shift.agreement > self.agreement_before + IMPROVEMENT and not self.is_ambiguous

    @property
    def bears_header_out(self) -> bool:
        """The centre is that of the header, clearly before all others, even if several lattices share the spots."""
        is_clear = self.shift.agreement >= SHARED and self.confidence >= SURE and not self.is_ambiguous
        return is_clear and bool(np.hypot(*self.shift.mm) <= STANDS)

    @property
    def in_words(self) -> str:
        """That this centre was taken in the place of the header's, and how far to trust it."""
        (x, y), (found_x, found_y) = self.centre_before, self.centre_after
        doubt = "check it with the beamline, and give import_sweep.beam_centre=FAST,SLOW (px) to have another"
        if self.shift.agreement < CONVINCING:
            agreement = f"{self.shift.agreement:.2f}"
            doubt = f"it may well be wrong, as spots agree with it only to {agreement} (1 is best): {doubt}"
        return (
            f"{REPLACED}: the header says ({x:.1f}, {y:.1f}) px, the spots suggest ({found_x:.1f}, {found_y:.1f}) px, "
            f"{np.hypot(*self.shift.mm):.1f} mm away; {doubt}"
        )


@single_threaded_blas
def search_beam_position(experiment: Experiment, spots: Reflections, params: SearchBeamParams) -> SearchBeamResult:
    """Find the beam centre near the header's; where none there convinces or bears the header out, also farther away.

    Raises TooFewSpots, or IndexingFailed if the spots have no period.
    """
    near = _search_around(experiment, spots, params)
    if near.shift.agreement >= CONVINCING or near.bears_header_out or params.far_shift == 0:
        return near
    best = near
    for turn in np.arange(8) * np.pi / 4:
        offset = params.far_shift * np.array([np.cos(turn), np.sin(turn)])
        try:
            far = _search_around(shift_beam_centre(experiment, offset), spots, params)
        except IndexingFailed:
            continue
        if not far.is_ambiguous and far.shift.agreement > max(CONVINCING, best.shift.agreement, _needed(near)):
            best = _from_header(far, near, offset, experiment)
        if best.shift.agreement > CERTAIN:
            break
    return best


def _needed(near: SearchBeamResult) -> float:
    return near.shift.agreement + FAR_GAIN


def _from_header(
    far: SearchBeamResult, near: SearchBeamResult, offset: np.ndarray, experiment: Experiment
) -> SearchBeamResult:
    """A result of a search begun `offset` mm from the header's centre, told from there."""
    mm = np.array(far.shift.mm) + offset
    px = mm / np.asarray(experiment.detector[0].pixel_size)
    shift = replace(far.shift, mm=(float(mm[0]), float(mm[1])), px=(float(px[0]), float(px[1])))
    return replace(far, shift=shift, agreement_before=near.agreement_before, centre_before=near.centre_before)


def _search_around(experiment: Experiment, spots: Reflections, params: SearchBeamParams) -> SearchBeamResult:
    """Find the beam centre near that of an experiment (the idea of Sauter et al. 2004, J Appl Cryst 37, 399).

    The periods of the lattice come from differences between spots of like rotation angle, which do
    not depend on the beam centre; at the right centre exp(2 pi i r . t) is 1 for every spot and
    period. A shift by about a reciprocal lattice vector may do nearly as well, above all for a narrow
    sweep or a large cell: such shifts are listed, and a shift beside the header is taken if it is among
    those that cannot be told from the best. Raises TooFewSpots, or IndexingFailed if the spots have no period.
    """
    chosen, group = _choose(experiment, spots, params)
    periods, power = _periods(chosen.reciprocal(experiment, np.zeros(2)), group, params)
    starts, reach = _starts(experiment, chosen, periods, power, params.max_shift)
    judges = _judges(spots)
    starts = _shortlist(experiment, judges, periods, starts, reach)
    fits = [fit_shift(experiment, judges, periods, start, reach) for start in starts]
    unmoved = fit_shift(experiment, judges, periods, np.zeros(2), 0.0)
    of_lattice = _good_periods(fits)
    shifts = _distinct([_as_shift(experiment, fit, of_lattice) for fit in fits], reach)
    good = [shift for shift in shifts if not _is_clearly_worse(shift, shifts[0])]
    near_header = [shift for shift in good if np.hypot(*shift.mm) <= reach / 3]
    stays = _as_shift(experiment, unmoved, of_lattice)
    taken = stays if shifts[0].agreement < LEAST_AGREEMENT else (near_header or good)[0]
    moved = shift_beam_centre(experiment, np.array(taken.mm))
    others = [advantage(taken.of_spots, shift.of_spots) for shift in shifts if shift is not taken]
    return SearchBeamResult(
        moved,
        taken,
        stays.agreement,
        tuple(shift for shift in good if shift is not taken),
        len(judges.xyz),
        int(np.sum(of_lattice)),
        beam_centre_px(experiment.detector, experiment.beam),
        beam_centre_px(moved.detector, moved.beam),
        confidence(min(others, default=np.inf)),
    )


def format_search_beam(result: SearchBeamResult) -> str:
    """The old and the new beam centre, and which others would do."""
    lines = [
        f"Beam centre from {result.n_spots} spots and {result.n_periods} periods of the lattice",
        f"before: {_pair(result.centre_before)} px (fast, slow), agreement {result.agreement_before:.2f}",
        f"after:  {_pair(result.centre_after)} px (fast, slow), agreement {result.shift.agreement:.2f}",
        f"shift:  {_pair(result.shift.px)} px, {_pair(result.shift.mm)} mm, confidence {result.confidence:.2f}",
    ]
    if result.is_ambiguous:
        lines.append("The spots do not tell it from these shifts, about a reciprocal lattice vector away:")
        lines += [f"        {_pair(shift.px)} px, agreement {shift.agreement:.2f}" for shift in result.alternatives]
    return "\n".join(lines)


def _pair(values: tuple[float, float]) -> str:
    return f"{values[0]:.2f} {values[1]:.2f}"


def _choose(experiment: Experiment, spots: Reflections, params: SearchBeamParams) -> tuple[SpotPositions, np.ndarray]:
    """The strongest spots of wedges over the scan, and the wedge of each."""
    if len(spots) < params.min_spots:
        raise TooFewSpots(n_spots=len(spots), stage="the beam centre search", needed=params.min_spots)
    xyz = spots["xyz_obs_px"]
    group = wedges(experiment.scan.phi_at(xyz[:, 2]), np.radians(params.wedge), params.n_wedges)
    kept = strongest(group, spots["intensity_sum"], params.spots_per_wedge)
    return SpotPositions(spots["panel"][kept], xyz[kept]), group[kept]


def _periods(points: np.ndarray, group: np.ndarray, params: SearchBeamParams) -> tuple[np.ndarray, np.ndarray]:
    """Periods of the lattice and their power; longer ones are looked for while those found are weak.

    The strongest spots may be few of all, and further from each other than the shortest reciprocal axis.
    """
    differences = pair_differences(points, group)
    longest = params.max_cell or longest_period(points, group)
    periods, power = np.empty((0, 3)), np.empty(0)
    for factor in LONGER if params.max_cell is None else (1.0,):
        found, height = find_periods(differences, longest * factor, params.min_cell, params.n_periods)
        if len(height) >= LEAST_PERIODS and height[:LEAST_PERIODS].mean() > power[:LEAST_PERIODS].sum() / LEAST_PERIODS:
            periods, power = found, height
        if len(power) and power[:LEAST_PERIODS].mean() > STRONG_PERIODS:
            break
    if not len(periods):
        raise IndexingFailed(n_spots=len(points), reason="the differences between spots show no period")
    strong = power >= PERIOD_POWER * power[0]
    return periods[strong], power[strong]


def _starts(
    experiment: Experiment, chosen: SpotPositions, periods: np.ndarray, power: np.ndarray, max_shift: float
) -> tuple[list[np.ndarray], float]:
    """Shifts to refine, mm: none, and the maxima of a map; and how far each may move."""
    points, derivative = chosen.reciprocal(experiment, np.zeros(2)), chosen.derivative(experiment, np.zeros(2))
    rate = np.abs(np.einsum("nij,ki->nkj", derivative, periods)).max()
    n = min(2 * int(np.ceil(max_shift * rate / SMOOTHNESS)) + 1, MAX_GRID)
    grid = np.linspace(-max_shift, max_shift, n)
    scores = agreement_map(points, derivative, periods, power, grid)
    maxima = local_maxima(scores, n=N_MAXIMA, apart=3)
    return [np.zeros(2), *(np.array([grid[i], grid[j]]) for i, j in maxima)], 3 * float(grid[1] - grid[0])


def _shortlist(
    experiment: Experiment, judges: SpotPositions, periods: np.ndarray, starts: list[np.ndarray], reach: float
) -> list[np.ndarray]:
    """The starts that lead to the best agreement of some of the spots, and the header's.

    The map is linear in the shift, and far shifts come out of it too low to be chosen by it.
    """
    some = judges[np.arange(0, len(judges.xyz), max(1, len(judges.xyz) // N_ROUGH))]
    fits = [fit_shift(experiment, some, periods, start, reach, n_rounds=1) for start in starts]
    order = np.argsort([-float(np.median(fit.agreements)) for fit in fits], kind="stable")[:N_FITS]
    return [starts[0], *(starts[n] for n in order if n)]


def _judges(spots: Reflections) -> SpotPositions:
    """The spots that shifts are judged by: all, or the strongest."""
    kept = np.sort(np.argsort(-spots["intensity_sum"], kind="stable")[:MOST_JUDGES])
    return SpotPositions(spots["panel"][kept], spots["xyz_obs_px"][kept])


def _good_periods(fits: list[ShiftFit]) -> np.ndarray:
    """(K,) bool: the periods that agree with the shift that agrees with most of them."""
    best = max((fit.agreements for fit in fits), key=lambda a: float(np.median(a)))
    return best >= GOOD_PERIOD * best.max()


def _as_shift(experiment: Experiment, fit: ShiftFit, of_lattice: np.ndarray) -> BeamShift:
    px = fit.shift / np.asarray(experiment.detector[0].pixel_size)
    of_spots = fit.values[:, of_lattice].mean(axis=1)
    mean = float(np.mean(of_spots))
    return BeamShift((float(fit.shift[0]), float(fit.shift[1])), (float(px[0]), float(px[1])), mean, of_spots)


def _is_clearly_worse(shift: BeamShift, best: BeamShift) -> bool:
    needed = CLEARLY * (1 + FEW_JUDGES / max(1, len(best.of_spots)))
    return advantage(best.of_spots, shift.of_spots) > needed and best.agreement - shift.agreement > LEAST_DIFFERENCE


def _distinct(shifts: list[BeamShift], apart: float) -> list[BeamShift]:
    """By falling agreement, without those that refined to the same place."""
    kept: list[BeamShift] = []
    for shift in sorted(shifts, key=lambda shift: -shift.agreement):
        if all(np.hypot(shift.mm[0] - k.mm[0], shift.mm[1] - k.mm[1]) > apart / 2 for k in kept):
            kept.append(shift)
    return kept
