"""A probe of a sweep that is still being collected: its lattice, and what becomes of it if the collection goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.decisions.lattices import LEFT_OVER, REAL_SHARE, SAME_LATTICE
from autoproc.decisions.probe import ProbeReport, dark_images
from autoproc.errors import AutoprocError
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.reciprocal import zeta
from autoproc.geometry.strategy import MOST, Completeness, completeness_by_rotation
from autoproc.indexing.params import IndexParams
from autoproc.integration.predict import predict
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment, Scan
from autoproc.models.image_facts import ImageFacts
from autoproc.models.reflections import Reflections
from autoproc.refinement.params import RefineParams
from autoproc.spot_finding.pixels import SpotPixels
from autoproc.spot_finding.rocking import rocking_width
from autoproc.stages.bravais_settings import BravaisSolution, bravais_settings
from autoproc.stages.find_spots import FoundSpots
from autoproc.stages.index import IndexResult, index
from autoproc.stages.refine import refine
from autoproc.symmetry.bravais_params import BravaisParams

MOST_POINTS = 100_000
"""Of the reciprocal lattice, that tell of completeness: to a lower resolution than the spots reach where they are more,
which changes the rotation that is needed by next to nothing."""
MOST_SPOTS = 6000
"""That are indexed, evenly from all: the same cell and shares of lattices within 1% as from 8740 and 13,284 spots
(simulated, one lattice and two)."""
MOST_COMPARED = 1500
"""That lattices of higher symmetry are refined against: which of them fits is told by ratios of RMSDs, 1.5 and more. Of
eight simulated sweeps 8000 tell the same lattice, and axes within 5e-5 of themselves."""
STEEP = 0.3
"""|zeta| from which a spot's width in rotation tells of mosaicity: beside the spindle it tells of the path."""


@dataclass(frozen=True, slots=True)
class ProbeParams:
    """Those of the stages that a probe runs through."""

    index: IndexParams
    refine: RefineParams
    bravais_settings: BravaisParams


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What was found.

    best : the lattice in the setting of its symmetry; completeness : what a whole turn would record, if the crystal has
    that symmetry. None without a lattice
    """

    report: ProbeReport
    best: BravaisSolution | None = None
    completeness: Completeness | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Lattice:
    """What indexing made of the first images."""

    indexed: IndexResult
    best: BravaisSolution
    shift: float
    mosaicity: float | None


@single_threaded_blas
def probe_sweep(
    experiment: Experiment, found: FoundSpots, facts: Sequence[ImageFacts], planned: int | None, params: ProbeParams
) -> Probe:
    """What the first images tell.

    experiment, found : with the scan of these images, and their spots; facts : of each image
    planned : images that are to be collected, where that is known
    """
    scan, width = experiment.scan, abs(experiment.scan.oscillation[1])
    reach = [one.d_min for one in facts if one.d_min is not None]
    report = ProbeReport(
        rotation=scan.n_images * width,
        planned=None if planned is None else planned * width,
        n_images=scan.n_images,
        n_spots=len(found.reflections),
        per_image=float(np.median([one.n_spots for one in facts])) if facts else 0.0,
        d_min=float(np.median(reach)) if reach else None,
        on_ice=found.peculiar.on_ice,
        n_dark=len(dark_images([one.level for one in facts], [one.n_spots for one in facts])),
    )
    try:
        lattice = _lattice(experiment, found, params)
    except AutoprocError as error:
        return Probe(replace(report, why_not=error.message))
    n_spots = max(1, len(lattice.indexed.reflections))
    report = replace(
        report, lattice=lattice.best.lattice, laue=lattice.best.space_group.laue_str(),
        unit_cell=tuple(map(float, lattice.best.unit_cell)),
        indexed=lattice.indexed.n_per_lattice[0] / n_spots, others=_others(lattice.indexed, n_spots),
        shift=lattice.shift, mosaicity=lattice.mosaicity,
    )  # fmt: skip
    how = _completeness(report, lattice.best)
    at_plan = None if report.planned is None else how.at(min(report.planned, 360.0))
    most = tuple((part, how.reaching(part)) for part in MOST)
    report = replace(
        report, complete_after=how.enough, most_after=most, at_plan=at_plan, blind=how.blind
    )  # fmt: skip
    return Probe(report, lattice.best, how)


def _lattice(experiment: Experiment, found: FoundSpots, params: ProbeParams) -> _Lattice:
    """Index, refine, and look for the highest lattice symmetry. Raises AutoprocError."""
    some = np.arange(0, len(found.reflections), -(-len(found.reflections) // MOST_SPOTS) or 1)
    indexed = _indexed(experiment, found.reflections[some], params.index)
    first = indexed.reflections["experiment_id"] == 0
    static = params.refine.model_copy(update={"scan_varying": False})
    refined = refine(indexed.experiments[:1], indexed.reflections[first], static)
    few = min(MOST_COMPARED, params.bravais_settings.max_spots)
    compared = params.bravais_settings.model_copy(update={"max_spots": few})
    best = bravais_settings(refined.experiments, refined.reflections, compared).best
    known = refined.experiments[0]
    before, after = (np.array(beam_centre_px(e.detector, e.beam)) for e in (experiment, known))
    return _Lattice(
        indexed,
        best,
        float(np.hypot(*(after - before))),
        mosaicity(known, refined.reflections, found.pixels[some[first]]),
    )


def _indexed(experiment: Experiment, spots: Reflections, params: IndexParams) -> IndexResult:
    """With a second lattice where the first leaves many spots over. Raises AutoprocError."""
    of_one, of_two = (params.model_copy(update={"max_lattices": n}) for n in (1, params.max_lattices or 2))
    first = index([experiment], spots, of_one)
    return index([experiment], spots, of_two, first) if 1 - first.fraction_indexed >= LEFT_OVER else first


def _others(indexed: IndexResult, n_spots: int) -> tuple[float, ...]:
    """Part of the spots on each further lattice that is one: one that explains most of what the others left."""
    numbers = indexed.lattices[1:]
    return tuple(n.n_spots / n_spots for n in numbers if n.share >= REAL_SHARE and n.angle >= SAME_LATTICE)


def mosaicity(experiment: Experiment, spots: Reflections, pixels: SpotPixels) -> float | None:
    """Standard deviation of the rotation through a spot, degrees; None where the spots do not tell.

    pixels : of the spots, in the same order
    """
    speed = np.abs(zeta(experiment.goniometer, experiment.beam, spots["s1"]))
    steep = speed > STEEP
    return rocking_width(pixels[steep], speed[steep], abs(experiment.scan.oscillation[1]))


def _completeness(report: ProbeReport, best: BravaisSolution) -> Completeness:
    """How far the collection would have to go, if the Laue group is as high as the lattice."""
    experiment = best.experiments[0]
    crystal = experiment.crystal
    assert crystal is not None
    d_min = max(report.d_min or 0.0, (4 / 3 * np.pi * best.volume / MOST_POINTS) ** (1 / 3))
    sign = np.sign(experiment.scan.oscillation[1]) or 1.0
    turn = replace(
        experiment,
        crystal=replace(crystal, A_at_scan_points=None),
        scan=Scan((1, 360), (experiment.scan.oscillation[0], sign)),
    )
    rows = predict(turn, d_min, n_threads=1)
    return completeness_by_rotation(rows.hkl, rows.xyz[:, 2], crystal.unit_cell, best.space_group, d_min)
