"""The stages in order: one sweep's images in, merged intensities out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from autoproc.config import Config
from autoproc.errors import NoReflections
from autoproc.formats.damaged_frames import ForgivingReader
from autoproc.formats.frames import ImageReader, stream_blocks
from autoproc.formats.registry import open_reader
from autoproc.formats.shoeboxes import pack_shoeboxes
from autoproc.integration.frame_cache import FrameCache
from autoproc.integration.survey import surveyed_frames
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.reflections import Reflections
from autoproc.scaling.tables import format_scale
from autoproc.stages.determine_symmetry import SymmetryParams, SymmetryResult, determine_symmetry, format_symmetry
from autoproc.stages.estimate_resolution import ResolutionEstimate, estimate_resolution, format_resolution
from autoproc.stages.find_spots import FoundSpots, find_spots, format_found_spots, require_spots
from autoproc.stages.index import IndexResult, format_index, index
from autoproc.stages.integrate import IntegrateResult, format_integrate, integrate
from autoproc.stages.merge import format_merge, merge
from autoproc.stages.refine import RefineResult, format_refine, refine
from autoproc.stages.scale import ScaleResult, scale

Watch = Callable[[ImageReader, str, int], AbstractContextManager[ImageReader]]


class Observer(Protocol):
    """Who is told what happens: prints, logs, keeps files. The pipeline itself does none of these."""

    def stage(self, name: str, report: str) -> None:
        """A stage is done; what it has to say."""

    def keep(self, stem: str, experiments: Sequence[Experiment], reflections: Reflections | None) -> None:
        """A stage's models and reflections."""

    def watch(self, reader: ImageReader, label: str, n_reads: int) -> AbstractContextManager[ImageReader]:
        """The same reader; progress towards n_reads readings of a frame may be shown."""

    def busy(self, stage: str) -> AbstractContextManager[None]:
        """A stage that does not read images is under way while the context lasts."""


@dataclass(slots=True)
class Processing:
    """What is known of a sweep so far: filled stage by stage, so that a failure leaves the stages before it."""

    experiment: Experiment
    found: FoundSpots | None = None
    indexed: IndexResult | None = None
    refined: RefineResult | None = None
    integrated: IntegrateResult | None = None
    symmetry: SymmetryResult | None = None
    scaled: ScaleResult | None = None
    resolution: ResolutionEstimate | None = None
    merged: Merged | None = None
    warnings: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    current: str = "import"

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Name the stage under way, and add up its wall seconds."""
        self.current = stage
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] = self.timings.get(stage, 0.0) + time.perf_counter() - start


def process(processing: Processing, config: Config, observer: Observer) -> None:
    """Take a sweep from images to merged intensities, filling `processing` as it goes.

    Raises AutoprocError; what was achieved before stays in `processing`.
    """
    experiment = processing.experiment
    observer.keep("imported", [experiment], None)
    with processing.timed("import"):
        source = open_frames(experiment, config)
        reader = FrameCache(source, config.run.frame_cache << 20)
    with processing.timed("find_spots"):
        found = find_spots_of_sweep(experiment, reader, config, observer.watch)
    processing.found = found
    processing.warnings += source.warnings(experiment.scan.image_range[0])
    observer.stage("find_spots", format_found_spots(found, config.find_spots))
    observer.keep("strong", [experiment], found.reflections)
    require_spots(found)
    _index_and_refine(processing, found.reflections, config, observer)
    assert processing.refined is not None
    with processing.timed("integrate"):
        processing.integrated = integrate_sweep(
            reader, processing.refined.experiments, processing.refined.reflections, config, observer.watch
        )
    processing.warnings += source.warnings(experiment.scan.image_range[0])
    observer.stage("integrate", format_integrate(processing.integrated))
    observer.keep("integrated", processing.integrated.experiments, processing.integrated.reflections)
    reduce(processing, processing.integrated.experiments, processing.integrated.reflections, config, observer)


def _index_and_refine(processing: Processing, spots: Reflections, config: Config, observer: Observer) -> None:
    with processing.timed("index"), observer.busy("index"):
        processing.indexed = index([processing.experiment], spots, config.index)
    observer.stage("index", format_index(processing.indexed))
    observer.keep("indexed", processing.indexed.experiments, processing.indexed.reflections)
    with processing.timed("refine"), observer.busy("refine"):
        processing.refined = refine(processing.indexed.experiments, processing.indexed.reflections, config.refine)
    observer.stage("refine", format_refine(processing.refined))
    observer.keep("refined", processing.refined.experiments, processing.refined.reflections)


def reduce(
    processing: Processing,
    experiments: Sequence[Experiment],
    integrated: Reflections,
    config: Config,
    observer: Observer,
) -> None:
    """From integrated intensities to merged ones: symmetry, scaling, resolution, merging."""
    with processing.timed("symmetry"), observer.busy("symmetry"):
        symmetry = determine_symmetry(experiments, integrated, symmetry_params(config))
    processing.symmetry = symmetry
    observer.stage("symmetry", format_symmetry(symmetry))
    observer.keep("symmetrized", symmetry.experiments, symmetry.reflections)
    with processing.timed("scale"), observer.busy("scale"):
        scaled = scale(symmetry.experiments, symmetry.reflections, config.scale)
    processing.scaled = scaled
    estimate = _resolution(processing, scaled, config, observer)
    wanted = config.run.resolution_cutoff and config.scale.d_min is None
    if wanted and estimate is not None and not estimate.limited_by_data:
        with processing.timed("scale"), observer.busy("scale"):
            limited = config.scale.model_copy(update={"d_min": estimate.d_min})
            scaled = scale(symmetry.experiments, symmetry.reflections, limited, scaled)
        processing.scaled = scaled
    observer.stage("scale", format_scale(scaled))
    observer.keep("scaled", scaled.experiments, scaled.reflections)
    with processing.timed("merge"), observer.busy("merge"):
        processing.merged = merge(scaled.experiments, scaled.reflections, config.merge)
    observer.stage("merge", format_merge(processing.merged))


def symmetry_params(config: Config) -> SymmetryParams:
    """Those of the configuration; a space group that was given for indexing alone holds here too."""
    known = config.index.space_group
    if known is None or config.symmetry.space_group is not None:
        return config.symmetry
    return config.symmetry.model_copy(update={"space_group": known})


def _resolution(
    processing: Processing, scaled: ScaleResult, config: Config, observer: Observer
) -> ResolutionEstimate | None:
    """Where the data cease to be useful; None, with a warning, for data too few to tell: they are kept as they are."""
    try:
        with processing.timed("estimate_resolution"), observer.busy("estimate_resolution"):
            estimate = estimate_resolution(scaled.experiments, scaled.reflections, config.estimate_resolution)
    except NoReflections as error:
        processing.warnings.append(f"the resolution limit was not estimated: {error.message}; nothing is cut off")
        return None
    processing.resolution = estimate
    observer.stage("estimate_resolution", format_resolution(estimate))
    return estimate


def open_frames(experiment: Experiment, config: Config) -> ForgivingReader:
    """The images of a sweep, of which a few may be damaged."""
    return ForgivingReader(open_reader(experiment), config.import_sweep.max_damaged_fraction)


def find_spots_of_sweep(experiment: Experiment, reader: ImageReader, config: Config, watch: Watch) -> FoundSpots:
    """Find the spots of one sweep."""
    with watch(reader, "Finding spots", reader.n_frames) as watched:
        blocks = stream_blocks(watched, block=config.run.block, n_threads=config.run.n_threads)
        return with_shoeboxes(find_spots(experiment, blocks, reader.mask, config.find_spots, config.run.n_threads))


def with_shoeboxes(found: FoundSpots) -> FoundSpots:
    """The same spots with their pixels in a column, for DIALS, which takes the shape of spots from them."""
    spots, pixels = found.reflections, found.pixels
    xyz = np.column_stack([pixels.x, pixels.y, pixels.z])
    boxes = pack_shoeboxes(spots["bbox"], spots["panel"], pixels.start, xyz, pixels.counts)
    return replace(found, reflections=spots.replace(shoebox=boxes))


def integrate_sweep(
    reader: ImageReader, experiments: Sequence[Experiment], reflections: Reflections, config: Config, watch: Watch
) -> IntegrateResult:
    """Integrate the lattices of one sweep. Frames are cached here, so that both passes over them are watched."""
    cached = reader if isinstance(reader, FrameCache) else FrameCache(reader, config.integrate.frame_cache << 20)
    params = config.integrate.model_copy(update={"frame_cache": 0})
    n_reads = reader.n_frames + sum(map(len, surveyed_frames(reader.n_frames)))
    with watch(cached, "Integrating", n_reads) as watched:
        return integrate(experiments, reflections, watched, params, config.run.n_threads)


def gathered_warnings(processing: Processing) -> list[str]:
    """The warnings of all stages, in order, each once."""
    stages = (processing.found, processing.indexed, processing.refined, processing.integrated, processing.symmetry,
              processing.scaled)  # fmt: skip
    every = [*processing.warnings, *(w for stage in stages for w in getattr(stage, "warnings", ()))]
    return list(dict.fromkeys(every))


def sweeps_of(experiments: Sequence[Experiment]) -> list[list[int]]:
    """Indices of the experiments of each sweep: those that share their images and range."""
    groups: dict[tuple[str, tuple[int, int], tuple[int, ...]], list[int]] = {}
    for number, experiment in enumerate(experiments):
        images = experiment.imageset
        key = (
            (images.template, experiment.scan.image_range, images.indices[:1]) if images else (str(number), (0, 0), ())
        )
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def renumbered(reflections: Reflections, new_ids: dict[int, int]) -> Reflections:
    """The reflections of some experiments, with new experiment_ids."""
    ids = reflections["experiment_id"]
    kept = np.isin(ids, list(new_ids))
    lookup = np.full(int(max([*new_ids, ids.max(initial=0)])) + 1, -1, np.int32)
    lookup[list(new_ids)] = list(new_ids.values())
    part = reflections[kept]
    identifiers = {new_ids[n]: s for n, s in reflections.identifiers.items() if n in new_ids}
    return part.replace(experiment_id=lookup[part["experiment_id"]]).with_identifiers(identifiers)
