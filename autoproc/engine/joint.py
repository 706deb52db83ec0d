"""Sweeps of one crystal with few spots each: indexed, refined and integrated together, then scaled and merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.config import Config
from autoproc.decisions.joint import SweepShare, worst_fitting
from autoproc.engine.combination import scale_and_merge
from autoproc.engine.integrate_sweeps import integrate_sweeps
from autoproc.errors import ProcessingError
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.importing.shared_models import with_shared_models
from autoproc.models.data_sets import DataSetRow
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.refinement.rounds import Rmsd
from autoproc.stages.determine_symmetry import determine_symmetry, format_symmetry
from autoproc.stages.index import IndexResult, format_index, index
from autoproc.stages.integrate import IntegrateResult, format_integrate
from autoproc.stages.pipeline import Processing, StageObserver, symmetry_params
from autoproc.stages.refine import RefineResult, format_refine, refine

FEWEST = 2


class NotOneCrystal(ProcessingError):
    """No two of the sweeps are of one crystal, as far as their spots tell."""

    what = "the {n} sweeps, indexed together, are not of one crystal: {reason}"
    hint = (
        "if they are of one, the headers' goniometer angles (omega, kappa, phi) are wrong: compare them with the "
        "beamline's log; if not, collect more rotation of each"
    )


@dataclass(frozen=True, slots=True)
class SweepFound:
    """A sweep with the spots on its images. experiment : as its header has it, without a crystal."""

    name: str
    experiment: Experiment
    spots: Reflections


def process_together(
    processing: Processing, sweeps: Sequence[SweepFound], config: Config, observer: StageObserver
) -> IndexResult:
    """Take sweeps of one crystal from spots to merged intensities.

    Fills `processing` from its symmetry on, and its data sets with what became of each sweep. Sweeps that are not of
    the crystal that the others are of are set aside. Returns what indexing found. Raises AutoprocError.
    """
    with processing.timed("index"), observer.busy("index"):
        indexed, kept, aside = index_together(sweeps, config)
    observer.stage("index", format_index(indexed))
    observer.keep("indexed", indexed.experiments, indexed.reflections)
    with processing.timed("refine"), observer.busy("refine"):
        refined = refine(indexed.experiments, indexed.reflections, config.refine)
    observer.stage("refine", format_refine(refined))
    observer.keep("refined", refined.experiments, refined.reflections)
    processing.warn("indexing", *indexed.warnings)
    processing.warn("refinement", *refined.warnings)
    experiments, table = _integrated(processing, [sweeps[n].name for n in kept], refined, config, observer)
    observer.keep("integrated", experiments, table)
    with processing.timed("symmetry"), observer.busy("symmetry"):
        processing.symmetry = determine_symmetry(experiments, table, symmetry_params(config))
    observer.stage("symmetry", format_symmetry(processing.symmetry))
    rows = _rows(sweeps, dict(zip(kept, experiments, strict=True)), aside)
    processing.data_sets = _with_rmsds(rows, kept, refined.rmsds)
    scale_and_merge(processing, kept, config, observer)
    return indexed


def index_together(sweeps: Sequence[SweepFound], config: Config) -> tuple[IndexResult, list[int], dict[int, str]]:
    """One lattice for the sweeps; those whose spots it does not explain are left out, the worst first.

    Returns the result, the numbers of the sweeps in it, and why others are not, in words. Raises NotOneCrystal,
    TooFewSpots, IndexingFailed.
    """
    kept = list(range(len(sweeps)))
    aside: dict[int, str] = {}
    params = config.index.model_copy(update={"max_lattices": 1})
    while len(kept) >= FEWEST:
        chosen = [sweeps[n] for n in kept]
        experiments = with_shared_models([sweep.experiment for sweep in chosen])
        indexed = index(experiments, _spots_of_all(chosen), params)
        counts = zip(chosen, indexed.n_indexed, indexed.n_unindexed, strict=True)
        shares = [SweepShare(sweep.name, n + others, n) for sweep, n, others in counts]
        worst = worst_fitting(shares)
        if worst is None:
            return indexed, kept, aside
        out = kept[shares.index(worst)]
        aside[out] = worst.why_other
        kept.remove(out)
    reason = "; ".join(f"{sweeps[n].name}: {why}" for n, why in aside.items())
    raise NotOneCrystal(n=len(sweeps), reason=reason)


def _spots_of_all(sweeps: Sequence[SweepFound]) -> Reflections:
    """The spots of all sweeps, which imageset_id tells apart."""
    tables = []
    for number, sweep in enumerate(sweeps):
        n = len(sweep.spots)
        columns = {"experiment_id": np.full(n, -1, np.int32), "imageset_id": np.full(n, number, np.int32)}
        tables.append(sweep.spots.replace(**columns).with_identifiers({}))
    return Reflections.concatenate(tables)


def _integrated(
    processing: Processing, names: Sequence[str], refined: RefineResult, config: Config, observer: StageObserver
) -> tuple[list[Experiment], Reflections]:
    """The experiments and their intensities; what is to be warned of is told with the sweep's name."""

    def tell(number: int, result: IntegrateResult, reader: ForgivingReader) -> None:
        observer.stage(f"integrate {names[number]}", format_integrate(result))
        of_images = reader.warnings(result.experiments[0].scan.image_range[0])
        processing.warn("integration", *(f"{names[number]}: {warning}" for warning in result.warnings))
        processing.warnings.extend(f"{names[number]}: {warning}" for warning in of_images)

    with processing.timed("integrate"):
        return integrate_sweeps(refined.experiments, refined.reflections, config, observer.watch, tell)


def _rows(
    sweeps: Sequence[SweepFound], kept: Mapping[int, Experiment], aside: Mapping[int, str]
) -> tuple[DataSetRow, ...]:
    """The sweeps as they are known before they are scaled."""
    rows = []
    for n, sweep in enumerate(sweeps):
        experiment = kept.get(n, sweep.experiment)
        scan, crystal = experiment.scan, experiment.crystal
        cell = None if crystal is None else tuple(map(float, crystal.cell))
        row = DataSetRow(
            sweep.name, scan.n_images, abs(scan.oscillation[1]) * scan.n_images, experiment.beam.wavelength, cell
        )
        rows.append(replace(row, why_aside=aside.get(n, "")))
    return tuple(rows)


def _with_rmsds(rows: Sequence[DataSetRow], kept: Sequence[int], rmsds: Sequence[Rmsd]) -> tuple[DataSetRow, ...]:
    """The rows with how far the spots of those that were kept are from where they were predicted."""
    told = list(rows)
    for n, rmsd in zip(kept, rmsds, strict=True):
        told[n] = replace(told[n], rmsd=(rmsd.x_px, rmsd.y_px, rmsd.z_images), n_refined=rmsd.n)
    return tuple(told)
