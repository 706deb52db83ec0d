"""Every Bravais lattice that the cell allows, refined against the spots under its constraints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import gemmi
import numpy as np

from autoproc.errors import TooFewSpots
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.space_group import rotations_of
from autoproc.symmetry.bravais_params import BravaisParams
from autoproc.symmetry.consistency import common_lattice
from autoproc.symmetry.constrained_fit import ConstrainedFit, SpotsToFit, fit_constrained
from autoproc.symmetry.corrected_observations import observations_of
from autoproc.symmetry.elements import FriedelMerged, elements_of, merge_friedel, pairs_related
from autoproc.symmetry.lattice_symmetry import LatticeSymmetry
from autoproc.symmetry.normalise import MAX_E2, normalise
from autoproc.symmetry.reindex import format_basis, reindex_crystal, reindex_hkl, tidiest
from autoproc.symmetry.subgroups import Subgroup, find_subgroups
from autoproc.text_tables import ruled_table

MIN_SPOTS = 10
MIN_PAIRS = 20


@dataclass(frozen=True, slots=True, eq=False)
class BravaisSolution:
    """One line of the table.

    number : 1 is triclinic; larger groups have larger numbers
    metric_fit : Le Page's delta, degrees; rmsd : of the spots' positions, mm
    min_cc, max_cc : CC of spot intensities over the rotations of the group; None where too few pairs
    lattice : Bravais symbol; unit_cell : Angstrom and degrees; change_of_basis : (3, 3) from the input cell
    experiments : in this setting, constrained
    """

    number: int
    is_recommended: bool
    metric_fit: float
    rmsd: float
    min_cc: float | None
    max_cc: float | None
    n_spots: int
    lattice: str
    unit_cell: tuple[float, ...]
    change_of_basis: np.ndarray
    space_group: gemmi.SpaceGroup
    experiments: list[Experiment]

    @property
    def volume(self) -> float:
        """Of the conventional cell, Angstrom^3."""
        return gemmi.UnitCell(*self.unit_cell).volume


@dataclass(frozen=True, slots=True, eq=False)
class BravaisResult:
    """The table's rows, the most symmetric first."""

    rows: tuple[BravaisSolution, ...]

    @property
    def best(self) -> BravaisSolution:
        """The most symmetric one that is recommended."""
        return next(s for s in self.rows if s.is_recommended)


@single_threaded_blas
def bravais_settings(experiments: Sequence[Experiment], indexed: Reflections, params: BravaisParams) -> BravaisResult:
    """Refine the crystal under each Bravais lattice's constraints, beam and detector fixed.

    indexed : spots with xyz_obs_mm and hkl. Several experiments are refined each by itself.
    Raises TooFewSpots, IncompatibleCells.
    """
    lattice, to_reduced = common_lattice(experiments, params.max_delta)
    spots = {n: spots_for_settings(experiments[n], indexed, n, m, params.max_spots) for n, m in to_reduced.items()}
    n_spots = sum(map(len, spots.values()))
    if n_spots < MIN_SPOTS:
        raise TooFewSpots(n_spots=n_spots, stage="bravais_settings", needed=MIN_SPOTS)
    correlations = _correlations(experiments, indexed, lattice, to_reduced)
    groups = [g for g in find_subgroups(lattice, params.monoclinic_setting) if g.is_bravais][::-1]
    start = {n: experiments[n].crystal.A @ np.linalg.inv(m) for n, m in to_reduced.items()}  # type: ignore[union-attr]
    solutions: list[BravaisSolution] = []
    for number, group in enumerate(groups, 1):
        rotations = lattice.rotations[list(group.members)]
        fits = {n: fit_constrained(experiments[n], start[n], spots[n], rotations) for n in spots}
        ccs = [correlations[m] for m in group.members if m in correlations]
        solution = _solution(number, group, fits, experiments, to_reduced)
        solution = replace(solution, min_cc=min(ccs, default=None), max_cc=max(ccs, default=None))
        triclinic = solutions[0].rmsd if solutions else solution.rmsd
        solutions.append(replace(solution, is_recommended=is_recommended(solution, triclinic)))
        if number == 1:
            start = {n: fit.A for n, fit in fits.items()}
    return BravaisResult(tuple(solutions[::-1]))


def is_recommended(solution: BravaisSolution, triclinic_rmsd: float) -> bool:
    """A lattice is kept unless its rmsd grows and, for good metric fits, its intensities disagree too."""
    ratio = solution.rmsd / max(triclinic_rmsd, 1e-9)
    cc = 1.0 if solution.min_cc is None else solution.min_cc
    if solution.metric_fit < 0.5:
        return not (cc < 0.5 and ratio > 1.5)
    return not ((cc < 0.7 and ratio > 2) or ratio > 3)


def spots_for_settings(
    experiment: Experiment, indexed: Reflections, n: int, matrix: np.ndarray, max_spots: int
) -> SpotsToFit:
    """Up to `max_spots` indexed spots of experiment n, evenly over the scan, hkl changed by `matrix`."""
    rows = np.flatnonzero((indexed["experiment_id"] == n) & np.any(indexed["hkl"] != 0, axis=1))
    if "flags" in indexed:
        rows = rows[~indexed.has_any_flag(Flag.CENTROID_OUTLIER)[rows]]
    if len(rows) > max_spots:
        by_angle = rows[np.argsort(indexed["xyz_obs_mm"][rows, 2], kind="stable")]
        rows = by_angle[np.linspace(0, len(rows) - 1, max_spots).astype(int)]
    pixel = experiment.detector[0].pixel_size[0]
    floor = np.array([0.1 * pixel, 0.1 * pixel, np.radians(0.1 * abs(experiment.scan.oscillation[1]))]) ** 2
    variance = indexed["xyz_obs_mm_variance"][rows] if "xyz_obs_mm_variance" in indexed else np.zeros(3)
    weight = 1 / (np.maximum(variance, 0) + floor)
    hkl = reindex_hkl(indexed["hkl"][rows], matrix)
    return SpotsToFit(hkl, indexed["xyz_obs_mm"][rows], np.broadcast_to(weight, (len(rows), 3)), indexed["panel"][rows])


def _correlations(
    experiments: Sequence[Experiment], indexed: Reflections, lattice: LatticeSymmetry, to_reduced: dict[int, np.ndarray]
) -> dict[int, float]:
    """CC of E^2 for each rotation of the lattice that relates at least 20 pairs of spots."""
    observations = observations_of(experiments, indexed).reindexed(to_reduced)
    if len(observations) < MIN_PAIRS:
        return {}
    normalised = normalise(observations)
    usual = np.abs(normalised.e2) < MAX_E2
    merged: FriedelMerged = merge_friedel(observations.hkl[usual], normalised.e2[usual])
    result = {}
    for members in elements_of(lattice.rotations)[1:]:
        sums = pairs_related(merged, lattice.rotations[members[0]])
        if sums.n_unique >= MIN_PAIRS:
            result.update(dict.fromkeys(members, sums.cc))
    return result


def _solution(
    number: int,
    group: Subgroup,
    fits: dict[int, ConstrainedFit],
    experiments: Sequence[Experiment],
    to_reduced: dict[int, np.ndarray],
) -> BravaisSolution:
    refined = list(experiments)
    first = min(fits)
    change = tidiest(group.basis @ to_reduced[first], rotations_of(group.space_group))
    basis = change @ np.linalg.inv(to_reduced[first])
    for n, fit in fits.items():
        crystal = reindex_crystal(Crystal(fit.A), basis, group.space_group)
        refined[n] = replace(experiments[n], crystal=crystal)
    residuals = np.concatenate([fit.residuals[fit.used] for fit in fits.values()])
    return BravaisSolution(
        number=number,
        is_recommended=True,
        metric_fit=group.delta,
        rmsd=float(np.sqrt((residuals[:, :2] ** 2).sum(axis=1).mean())),
        min_cc=None,
        max_cc=None,
        n_spots=len(residuals),
        lattice=group.bravais,
        unit_cell=refined[first].crystal.cell,  # type: ignore[union-attr]
        change_of_basis=change,
        space_group=group.space_group,
        experiments=refined,
    )


def chiral_groups(solutions: Sequence[BravaisSolution]) -> list[str]:
    """A line for each Bravais lattice in the table: "tP: P4 P41 ..."."""
    lines: dict[str, str] = {}
    for lattice in ("aP", "mP", "mC", "mI", "oP", "oC", "oF", "oI", "tP", "tI", "hP", "hR", "cP", "cF", "cI"):
        found: dict[int, str] = {}
        for solution in solutions:
            if solution.lattice == lattice:
                found |= _chiral(solution.space_group)
        if found:
            lines[lattice] = " ".join(found[n] for n in sorted(found))
    return [f"{lattice}: {names}" for lattice, names in lines.items()]


def _chiral(holohedry: gemmi.SpaceGroup) -> dict[int, str]:
    """Numbers and symbols of the chiral space groups of a lattice, whose full rotation group is given."""
    lattice_class = holohedry.hm[0], holohedry.crystal_system_str()
    result: dict[int, str] = {}
    for group in gemmi.spacegroup_table():
        if not group.is_sohncke() or not group.is_reference_setting():
            continue
        kind = group.crystal_system_str()
        same = (group.hm[0], "hexagonal" if kind == "trigonal" and group.hm[0] == "P" else kind)
        if same == lattice_class:
            result[group.number] = group.short_name().replace("H3", "R3") + (":H" if group.hm[0] == "R" else "")
    if holohedry.hm[0] == "I" and holohedry.number == 5:
        result[5] = "I2"
    return result


def format_bravais_settings(result: BravaisResult) -> str:
    """The table, with the chiral space groups of each lattice above it."""
    header = [
        "Solution", "Metric fit", "rmsd", "min/max cc", "#spots", "lattice", "unit_cell", "volume", "cb_op",
    ]  # fmt: skip
    rows = [
        [
            f"{'*' if s.is_recommended else ' '} {s.number:6d}", f"{s.metric_fit:.4f}", f"{s.rmsd:.3f}", _ccs(s),
            s.n_spots, s.lattice, _cell(s.unit_cell), f"{s.volume:.0f}", format_basis(s.change_of_basis),
        ]
        for s in result.rows
    ]  # fmt: skip
    lines = [
        "Chiral space groups corresponding to each Bravais lattice:",
        *chiral_groups(result.rows),
        ruled_table(header, rows, left=(5, 6, 8)),
        "* = recommended solution; rmsd in mm, metric fit in degrees",
    ]
    return "\n".join(lines)


def _ccs(solution: BravaisSolution) -> str:
    if solution.min_cc is None or solution.max_cc is None:
        return "-/-"
    return f"{solution.min_cc:.3f}/{solution.max_cc:.3f}"


def _cell(cell: Sequence[float]) -> str:
    return " ".join(f"{x:6.2f}" for x in cell)
