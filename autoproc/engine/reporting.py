"""From the results of stages to the small reports that decisions are made from."""

from __future__ import annotations

import numpy as np

from autoproc.decisions.absorption import AbsorptionReport
from autoproc.decisions.indexing import IndexingReport
from autoproc.decisions.lattices import LatticesReport
from autoproc.decisions.resolution import ResolutionReport
from autoproc.decisions.symmetry import SymmetryReport
from autoproc.engine.positions import position_ratio
from autoproc.merging.mates import MatesAgreement, mates_agreements, orders_of
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.space_group import rotations_of, symbol
from autoproc.scaling.held_out import HeldOut
from autoproc.scaling.result import ScaleResult
from autoproc.stages.determine_symmetry import SymmetryResult
from autoproc.stages.pipeline import Processing
from autoproc.stages.refine import RefineResult


def indexing_report(processing: Processing) -> IndexingReport:
    """Of spots indexed and models refined."""
    indexed, refined = processing.indexed, processing.refined
    assert indexed is not None
    assert refined is not None
    n_indexed = sum(indexed.n_indexed)
    n_spots = n_indexed + sum(indexed.n_unindexed)
    return IndexingReport(n_spots, n_indexed, max(worst_rmsds(refined)), indexed.is_loose)


def worst_rmsds(refined: RefineResult) -> tuple[float, ...]:
    """The worst of x, y (px) and z (images) of each experiment."""
    return tuple(max(r.x_px, r.y_px, r.z_images) for r in refined.rmsds)


def lattices_report(processing: Processing) -> LatticesReport:
    """Of whatever is known so far: the fit once the models are refined, the quality of the data once they are scaled.

    A stage whose result is older than that of the stage before it is to be None.
    """
    indexed, refined, scaled = processing.indexed, processing.refined, processing.scaled
    assert indexed is not None
    n_left = sum(indexed.n_unindexed)
    counts, angles = indexed.n_per_lattice, tuple(r.angle for r in indexed.rotations)
    rmsds = () if refined is None else worst_rmsds(refined)
    n_spots = n_left + sum(indexed.n_indexed)
    if scaled is None:
        return LatticesReport(n_spots, n_left, counts, rmsds, angles)
    alone = len(scaled.experiments) == 1
    statistics = scaled.statistics if alone else merging_statistics(scaled.experiments, of_first_lattice(scaled))
    return LatticesReport(
        n_spots, n_left, counts, rmsds, angles, statistics.inner.steady_r_meas, scaled.isa, statistics.overall.n_unique
    )


def of_first_lattice(scaled: ScaleResult) -> Reflections:
    """The scaled reflections of the first experiment alone."""
    return scaled.reflections[scaled.reflections["experiment_id"] == 0]


def symmetry_report(processing: Processing) -> SymmetryReport:
    """Of a scaled sweep."""
    symmetry, scaled, refined = processing.symmetry, processing.scaled, processing.refined
    assert symmetry is not None
    assert scaled is not None
    assert refined is not None
    worst = max(_mates(scaled), key=lambda mates: mates.ratio, default=None)
    return SymmetryReport(
        symbol(symmetry.space_group),
        scaled.statistics.inner.steady_r_meas,
        None if worst is None else worst.ratio,
        0.0 if worst is None else worst.sigmas,
        position_ratio(symmetry, refined.reflections),
        symmetry.best.subgroup.delta,
        _lower_groups(symmetry, () if worst is None else worst.axes),
    )


def _lower_groups(symmetry: SymmetryResult, axes: tuple[int, ...]) -> tuple[str, ...]:
    """Laue groups within that of the data, first those of the class with these axes, then the likeliest first."""
    inside = set(symmetry.best.subgroup.members)
    lower = [s.subgroup for s in symmetry.subgroups if inside > set(s.subgroup.members)]
    lower.sort(key=lambda group: orders_of(rotations_of(group.space_group)) != axes)
    return tuple(dict.fromkeys(symbol(group.patterson) for group in lower))


def _mates(scaled: ScaleResult) -> tuple[MatesAgreement, ...]:
    """How the scaled observations of the first lattice agree under their symmetry."""
    rows = of_first_lattice(scaled).only("hkl", "flags", "inverse_scale", "intensity_scale", "variance_scale")
    rows = rows[rows.has_flag(Flag.SCALED) & ~rows.has_any_flag(Flag.BAD_FOR_SCALING) & (rows["variance_scale"] > 0)]
    crystal = scaled.experiments[0].crystal
    assert crystal is not None
    g = rows["inverse_scale"]
    return mates_agreements(
        crystal.space_group, rows["hkl"], rows["intensity_scale"] / g, rows["variance_scale"] / g**2
    )


def absorption_report(level: str, free: HeldOut) -> AbsorptionReport:
    """Of reflections held out of scaling at some level."""
    return AbsorptionReport(level, free.r_meas, free.deviance)


def resolution_report(processing: Processing) -> ResolutionReport | None:
    """Of the estimate of the resolution, where there is one."""
    estimate = processing.resolution
    if estimate is None or not np.isfinite(estimate.d_min):
        return None
    return ResolutionReport(estimate.d_min, estimate.edge, estimate.limited_by_data, estimate.why)
