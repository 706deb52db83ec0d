"""From the results of stages to the small reports that decisions are made from."""

from __future__ import annotations

import numpy as np

from autoproc.decisions.absorption import AbsorptionReport
from autoproc.decisions.indexing import IndexingReport
from autoproc.decisions.lattices import LatticesReport
from autoproc.decisions.resolution import ResolutionReport
from autoproc.decisions.symmetry import SymmetryReport
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import rotations_of
from autoproc.scaling.held_out import HeldOut
from autoproc.scaling.result import ScaleResult
from autoproc.stages.pipeline import Processing
from autoproc.stages.refine import RefineResult


def indexing_report(processing: Processing) -> IndexingReport:
    """Of spots indexed and models refined."""
    indexed, refined = processing.indexed, processing.refined
    assert indexed is not None
    assert refined is not None
    n_indexed = sum(indexed.n_indexed)
    n_spots = n_indexed + sum(indexed.n_unindexed)
    return IndexingReport(n_spots, n_indexed, max(worst_rmsds(refined)), any("loosely" in w for w in indexed.warnings))


def worst_rmsds(refined: RefineResult) -> tuple[float, ...]:
    """The worst of x, y (px) and z (images) of each experiment."""
    return tuple(max(r.x_px, r.y_px, r.z_images) for r in refined.rmsds)


def lattices_report(processing: Processing) -> LatticesReport:
    """Of whatever is known so far; the quality of the data once they are scaled."""
    indexed, refined, scaled = processing.indexed, processing.refined, processing.scaled
    assert indexed is not None
    assert refined is not None
    n_left = sum(indexed.n_unindexed)
    counts, angles = indexed.n_per_lattice, tuple(r.angle for r in indexed.rotations)
    rmsds, n_spots = worst_rmsds(refined), n_left + sum(indexed.n_indexed)
    if scaled is None:
        return LatticesReport(n_spots, n_left, counts, rmsds, angles)
    statistics = merging_statistics(scaled.experiments, of_first_lattice(scaled))
    return LatticesReport(
        n_spots, n_left, counts, rmsds, angles, statistics.inner.r_meas, scaled.isa, statistics.overall.n_unique
    )


def of_first_lattice(scaled: ScaleResult) -> Reflections:
    """The scaled reflections of the first experiment alone."""
    return scaled.reflections[scaled.reflections["experiment_id"] == 0]


def symmetry_report(processing: Processing) -> SymmetryReport:
    """Of a scaled sweep."""
    symmetry, scaled = processing.symmetry, processing.scaled
    assert symmetry is not None
    assert scaled is not None
    order = len(rotations_of(symmetry.space_group))
    lower = [s.subgroup for s in symmetry.subgroups if s is not symmetry.best]
    names = [g.space_group.xhm() for g in lower if len(rotations_of(g.space_group)) < order]
    rejected = scaled.n_outliers / max(1, scaled.n_outliers + scaled.n_scaled)
    return SymmetryReport(
        symmetry.space_group.xhm(), order, scaled.statistics.inner.r_meas, rejected, None, tuple(dict.fromkeys(names))
    )


def absorption_report(level: str, free: HeldOut) -> AbsorptionReport:
    """Of reflections held out of scaling at some level."""
    return AbsorptionReport(level, free.r_meas, free.deviance)


def resolution_report(processing: Processing) -> ResolutionReport | None:
    """Of the estimate of the resolution, where there is one."""
    estimate = processing.resolution
    if estimate is None or not np.isfinite(estimate.d_min):
        return None
    return ResolutionReport(estimate.d_min, estimate.edge, estimate.limited_by_data, estimate.cc_limit)
