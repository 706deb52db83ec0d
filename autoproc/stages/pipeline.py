"""The stages in order: one sweep's images in, merged intensities out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from autoproc.config import Config
from autoproc.decisions.ladder import Decision
from autoproc.errors import AutoprocError, NoReflections
from autoproc.formats.dials.shoeboxes import unpacked_shoeboxes
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.formats.images.frames import ImageReader
from autoproc.formats.observed.reference_data import read_reference
from autoproc.formats.planned import planned_of_sweep
from autoproc.formats.registry import open_reader
from autoproc.integration.milestones import milestones
from autoproc.integration.passes import Measure, measure_all
from autoproc.integration.shapes import SpotWidths
from autoproc.integration.stretch import SoFar
from autoproc.integration.survey import surveyed_frames
from autoproc.models.data_sets import DataSetRow
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.reflections import Reflections
from autoproc.models.wavelengths import OneWavelength
from autoproc.scaling.tables import format_scale
from autoproc.spot_finding.pixels import SpotPixels
from autoproc.stages.anisotropy import Anisotropy, anisotropy, format_anisotropy
from autoproc.stages.combine import symmetry_as_in
from autoproc.stages.conclude import conclude
from autoproc.stages.damage_analysis import DamageResult, format_damage_analysis
from autoproc.stages.determine_symmetry import SymmetryParams, SymmetryResult, determine_symmetry, format_symmetry
from autoproc.stages.early_work import EarlyWork
from autoproc.stages.estimate_resolution import ResolutionEstimate, estimate_resolution, format_resolution
from autoproc.stages.find_spots import FoundSpots, find_spots, format_found_spots, require_spots
from autoproc.stages.index import IndexResult, format_index, index
from autoproc.stages.integrate import IntegrateResult, format_integrate, integrate
from autoproc.stages.integrate_stretches import Integrating, StretchesParams, integrate_stretches
from autoproc.stages.merge import format_merge
from autoproc.stages.refine import RefineResult, format_refine, refine
from autoproc.stages.scale import ScaleResult, scale_to_judge
from autoproc.stages.sharing import Sharing

LookedAt = tuple[Reflections, Anisotropy | None]
"""Scaled reflections, and the limits of its data in every direction; None where they are too few."""
Watch = Callable[[ImageReader, str, int], AbstractContextManager[ImageReader]]


class StageObserver(Protocol):
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
    """What is known of a sweep so far: filled stage by stage, so that a failure leaves the stages before it.

    decisions : what was tried beyond the stages as configured, in order
    partial : why the images are not all that were collected, "" where they are
    source : who reads the images, and knows which of them could not be read
    anisotropy : limits in every direction, of data that were not cut; uncut : these, where they are anisotropic
    merged_inside : of these, what lies within the limits; None where the limits are much the same in all directions
    stated : the experiment as header and user say, where a search has replaced a part of it; None where none has
    expected_cell : which the user thinks that the crystal has, Angstrom and degrees, to compare with; expected_group,
        expected_element : its space group and the element of its anomalous signal, "" where nobody says
    data_sets : of a group whose sweeps are put together, in place of one sweep's images
    whose : of warnings that are not of the header or the images, by their words, the name of what gives them
    early : what was found on the images while they were collected
    so_far : what was integrated with models of the first images
    sharing : has other processes do parts of the work on the images; None where nobody does
    timings : wall seconds by stage; some are done side by side
    by_wavelength : of a group of several wavelengths, the data of each; `merged` is that of one of them
    """

    experiment: Experiment
    found: FoundSpots | None = None
    indexed: IndexResult | None = None
    refined: RefineResult | None = None
    integrated: IntegrateResult | None = None
    symmetry: SymmetryResult | None = None
    scaled: ScaleResult | None = None
    resolution: ResolutionEstimate | None = None
    merged: Merged | None = None
    anisotropy: Anisotropy | None = None
    uncut: ScaleResult | None = None
    merged_inside: Merged | None = None
    damage: DamageResult | None = None
    warnings: list[str] = field(default_factory=list)
    whose: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    current: str = "import"
    partial: str = ""
    source: ForgivingReader | None = None
    stated: Experiment | None = None
    expected_cell: tuple[float, float, float, float, float, float] | None = None
    expected_group: str = ""
    expected_element: str = ""
    data_sets: tuple[DataSetRow, ...] = ()
    by_wavelength: tuple[OneWavelength, ...] = ()
    early: EarlyWork | None = None
    so_far: SoFar | None = None
    sharing: Sharing | None = None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Name the stage under way, and add up its wall seconds."""
        self.current = stage
        start = time.perf_counter()
        try:
            yield
        except BaseException:
            self.current = stage  # whatever began beside it since
            raise
        finally:
            self.timings[stage] = self.timings.get(stage, 0.0) + time.perf_counter() - start

    def branch(self) -> Processing:
        """A copy to try something on. The time spent on it and what is decided for it are told here as well."""
        return replace(self, warnings=list(self.warnings), whose=dict(self.whose))

    def warn(self, by: str, *words: str) -> None:
        """Warnings, each kept once, with the name of what gives them."""
        self.whose |= dict.fromkeys(words, by)
        self.warnings += [warning for warning in dict.fromkeys(words) if warning not in self.warnings]

    def adopt(self, other: Processing) -> None:
        """Become what a branch has become."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))


def process(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Take a sweep from images to merged intensities, each stage once, filling `processing` as it goes.

    Raises AutoprocError; what was achieved before stays in `processing`.
    """
    reader = find(processing, config, observer)
    find_lattices(processing, config, observer)
    measure(processing, reader, config, observer)
    reduce(processing, config, observer)


def find(processing: Processing, config: Config, observer: StageObserver) -> ForgivingReader:
    """Open the images and find the spots. Raises NoSpots and what spot finding raises."""
    experiment = processing.experiment
    observer.keep("imported", [experiment], None)
    with processing.timed("import"):
        reader = processing.source = open_frames(experiment, config, is_read_again=True)
    with processing.timed("find_spots"):
        found = find_spots_of_sweep(experiment, reader, config, observer.watch, processing.early, processing.sharing)
    processing.found = found
    processing.warnings += reader.warnings(experiment.scan.image_range[0])
    observer.stage("find_spots", format_found_spots(found, config.find_spots))
    observer.keep("strong", [experiment], found.reflections)
    require_spots(found)
    return reader


def find_lattices(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Index the spots and refine the models."""
    index_spots(processing, config, observer)
    refine_models(processing, config, observer)


def index_spots(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Index the spots; lattices that an earlier attempt found in the same way are not looked for again."""
    assert processing.found is not None
    with processing.timed("index"), observer.busy("index"):
        processing.indexed = index(
            [processing.experiment], processing.found.reflections, config.index, processing.indexed
        )
    observer.stage("index", format_index(processing.indexed))
    observer.keep("indexed", processing.indexed.experiments, processing.indexed.reflections)


def refine_models(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Refine the models of the lattices that indexing found."""
    assert processing.indexed is not None
    with processing.timed("refine"), observer.busy("refine"):
        processing.refined = refine(processing.indexed.experiments, processing.indexed.reflections, config.refine)
    observer.stage("refine", format_refine(processing.refined))
    observer.keep("refined", processing.refined.experiments, processing.refined.reflections)


def measure(processing: Processing, reader: ForgivingReader, config: Config, observer: StageObserver) -> None:
    """Integrate the reflections of the refined lattices; what an earlier attempt saw of the same images is used."""
    refined = processing.refined
    assert refined is not None
    with processing.timed("integrate"):
        processing.integrated = integrate_sweep(
            reader, refined.experiments, refined.reflections, config, observer.watch, processing.integrated,
            so_far=_so_far(processing, reader, config, observer.watch), measure=_measure_of(processing),
        )  # fmt: skip
    processing.warnings += reader.warnings(processing.experiment.scan.image_range[0])
    observer.stage("integrate", format_integrate(processing.integrated))
    observer.keep("integrated", processing.integrated.experiments, processing.integrated.reflections)


def _so_far(processing: Processing, reader: ForgivingReader, config: Config, watch: Watch) -> SoFar | None:
    """What is integrated with models of the first images: while they came, or now. It is made once."""
    found, experiment = processing.found, processing.experiment
    if processing.so_far is None and found is not None and found.by_milestone is not None:
        params, until = stretches_params(config), list(found.by_milestone)
        n_reached, done = 0, Integrating()
        if processing.early is not None:
            n_reached, done = processing.early.integrated(experiment, until, params)
        rest = until[n_reached:]
        n_reads = 2 * (until[-1][0] - done.so_far.n_images)  # most are read twice
        with watch(reader, "Integrating the first images", n_reads) if rest else nullcontext(reader) as watched:
            processing.so_far = integrate_stretches(
                experiment, rest, watched, params, config.run.n_threads, done, _measure_of(processing)
            )
        processing.early = None
    return processing.so_far


def _measure_of(processing: Processing) -> Measure:
    """What measures blocks of rotation."""
    return measure_all if processing.sharing is None else processing.sharing.measure


def stretches_params(config: Config) -> StretchesParams:
    """As they are configured."""
    return StretchesParams(index=config.index, refine=config.refine, integrate=config.integrate)


def reduce(processing: Processing, config: Config, observer: StageObserver) -> None:
    """From integrated intensities to merged ones: symmetry, scaling, resolution, merging."""
    find_symmetry(processing, config, observer)
    scale_all(processing, config, observer)
    find_anisotropy(processing, config, observer)
    cut = cut_of(processing, config)
    if cut is not None:
        scale_all(processing, with_d_min(config, cut), observer)
    finish(processing, config, observer)


def find_symmetry(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Laue group and space group, and the reflections in their setting."""
    integrated = processing.integrated
    assert integrated is not None
    with processing.timed("symmetry"), observer.busy("symmetry"):
        symmetry, fit = _symmetry(processing, integrated, config)
    processing.symmetry, processing.scaled, processing.resolution = symmetry, None, None
    observer.stage("symmetry", "\n".join([format_symmetry(symmetry), *fit]))
    observer.keep("symmetrized", symmetry.experiments, symmetry.reflections)


def _symmetry(processing: Processing, integrated: IntegrateResult, config: Config) -> tuple[SymmetryResult, list[str]]:
    """The symmetry, and in words how the data fit the reference; a warning where that is of another crystal."""
    data = integrated.experiments, integrated.reflections, symmetry_params(config)
    if config.combine.reference is not None:
        try:
            found, fit = symmetry_as_in(read_reference(Path(config.combine.reference)), *data)
            return found, [fit.words]
        except AutoprocError as error:
            processing.warn("reference", f"the setting is not that of the reference: {error.message}; {error.advice}")
    return determine_symmetry(*data), []


def scale_all(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Scale. The first time, where no limit was given, the resolution is estimated; later it is obeyed.

    An earlier scaling of the same reflections saves most of the work.
    """
    symmetry = processing.symmetry
    assert symmetry is not None
    with processing.timed("scale"), observer.busy("scale"):
        processing.scaled = scale_to_judge(symmetry.experiments, symmetry.reflections, config.scale, processing.scaled)
    if config.scale.d_min is None:
        _resolution(processing, processing.scaled, config, observer)


def look_for_anisotropy(processing: Processing, config: Config) -> LookedAt:
    """The limits in every direction of data scaled to the end, and of which reflections they are."""
    scaled = processing.scaled
    assert scaled is not None
    with processing.timed("anisotropy"):
        common = None if processing.resolution is None else processing.resolution.d_min
        return scaled.reflections, anisotropy(scaled.experiments, scaled.reflections, config.anisotropy, common)


def find_anisotropy(
    processing: Processing, config: Config, observer: StageObserver, ahead: LookedAt | None = None
) -> None:
    """Limits in every direction, of data scaled to the end; where these differ, the data are kept to be merged so.

    ahead : those that were looked for before, which serve if the scaling is still the same
    """
    scaled = processing.scaled
    assert scaled is not None
    if ahead is None or ahead[0] is not scaled.reflections:
        with observer.busy("anisotropy"):
            ahead = look_for_anisotropy(processing, config)
    found = ahead[1]
    processing.anisotropy, processing.merged_inside = found, None
    processing.uncut = scaled if found is not None and found.is_notable else None
    observer.stage("anisotropy", format_anisotropy(found))


def cut_of(processing: Processing, config: Config) -> float | None:
    """Where the data are to be cut, Angstrom; None where they stay as they are."""
    estimate = processing.resolution
    if not config.run.resolution_cutoff or config.scale.d_min is not None:
        return None
    return None if estimate is None or estimate.limited_by_data else estimate.d_min


def with_d_min(config: Config, d_min: float) -> Config:
    """The configuration with data scaled to d_min only."""
    return config.model_copy(update={"scale": config.scale.model_copy(update={"d_min": d_min})})


def finish(processing: Processing, config: Config, observer: StageObserver) -> None:
    """Report the scaling that stands, merge, and see what radiation did; where that cannot be told, a warning."""
    scaled, within = processing.scaled, processing.anisotropy
    assert scaled is not None
    observer.stage("scale", format_scale(scaled))
    uncut = None if processing.uncut is None or within is None else (processing.uncut, within)
    processing.current = "merge"
    with observer.busy("merge"):
        found = conclude(scaled, config, lambda it: observer.keep("scaled", it.experiments, it.reflections), uncut)
    processing.scaled, processing.damage = found.scaled, found.damage
    processing.merged, processing.merged_inside, processing.uncut = found.merged, found.merged_inside, None
    for stage in ("scale", "damage_analysis", "merge"):
        processing.timings[stage] = processing.timings.get(stage, 0.0) + found.seconds[stage]
    processing.warn("damage", *filter(None, [found.untold]))
    processing.warn("merging", *found.doubts)
    if found.damage is not None:
        observer.stage("damage_analysis", format_damage_analysis(found.damage))
    if found.merged is not None:
        observer.stage("merge", format_merge(found.merged))
    if found.merged_inside is not None:
        observer.stage("merge within the anisotropic limits", format_merge(found.merged_inside))


def symmetry_params(config: Config) -> SymmetryParams:
    """Those of the configuration; a space group and a cell, given for indexing, hold here too."""
    symmetry, index = config.symmetry, config.index
    wanted = symmetry.space_group or index.space_group
    cell = symmetry.unit_cell or index.unit_cell
    return symmetry.model_copy(update={"space_group": wanted, "unit_cell": cell})


def _resolution(processing: Processing, scaled: ScaleResult, config: Config, observer: StageObserver) -> None:
    """Where the data cease to be useful; nothing but a warning for data too few to tell: they are kept as they are."""
    try:
        with processing.timed("estimate_resolution"), observer.busy("estimate_resolution"):
            estimate = estimate_resolution(scaled.experiments, scaled.reflections, config.estimate_resolution)
    except NoReflections as error:
        words = f"the resolution limit was not estimated: {error.message}; nothing is cut off"
        processing.warn("resolution", f"{words}, give scale.d_min to do so")
        return
    processing.resolution = estimate
    observer.stage("estimate_resolution", format_resolution(estimate))


def open_frames(experiment: Experiment, config: Config, is_read_again: bool) -> ForgivingReader:
    """The images of a sweep, of which a few may be damaged; they stay in memory only if they are read again."""
    room = config.run.frame_cache << 20 if is_read_again else 0
    return ForgivingReader(open_reader(experiment, room), config.import_sweep.max_damaged_fraction)


def find_spots_of_sweep(
    experiment: Experiment,
    reader: ForgivingReader,
    config: Config,
    watch: Watch,
    early: EarlyWork | None = None,
    sharing: Sharing | None = None,
) -> FoundSpots:
    """Find the spots of one sweep; early : what was found on its images while they were collected.

    sharing : has others find them, where nobody did while they were collected
    """
    known, scan = None if sharing is None else sharing.found(reader.n_frames), experiment.scan
    if early is not None:
        known = early.found(experiment, reader)
    with watch(reader, "Finding spots", reader.n_frames) as watched:
        found = find_spots(
            experiment, watched, reader.mask, config.find_spots, config.run.n_threads, early=known,
            milestones=milestones(
                scan.n_images, scan.oscillation[1], config.integrate.stretches, planned_of_sweep(experiment)
            ),
            begun=None if early is None else early.gathering,
        )  # fmt: skip
        return with_shoeboxes(found)


def with_shoeboxes(found: FoundSpots) -> FoundSpots:
    """The same spots with their pixels in a column, for DIALS, which takes the shape of spots from them.

    There they take a quarter of the room, and are let go where they were.
    """
    spots, pixels = found.reflections, found.pixels
    boxes = unpacked_shoeboxes(spots["bbox"], pixels.start, (pixels.x, pixels.y, pixels.z, pixels.counts))
    return replace(found, reflections=spots.replace(shoebox=boxes), pixels=SpotPixels.in_order([]))


def integrate_sweep(
    reader: ImageReader,
    experiments: Sequence[Experiment],
    reflections: Reflections,
    config: Config,
    watch: Watch,
    earlier: IntegrateResult | None = None,
    others: Sequence[Sequence[SpotWidths]] = (),
    so_far: SoFar | None = None,
    measure: Measure = measure_all,
) -> IntegrateResult:
    """Integrate the lattices of one sweep. earlier, others, so_far, measure : see integrate."""
    n_reads = reader.n_frames + sum(map(len, surveyed_frames(reader.n_frames)))  # at most
    if so_far is not None and so_far.stretches:
        n_reads = 2 * (reader.n_frames - so_far.n_images)
    with watch(reader, "Integrating", n_reads) as watched:
        return integrate(
            experiments, reflections, watched, config.integrate, config.run.n_threads, earlier, others, so_far, measure
        )


def gathered_warnings(processing: Processing) -> list[str]:
    """The warnings of all stages, in order, each once."""
    results = results_by_stage(processing).values()
    of_stages = [warning for result in results for warning in getattr(result, "warnings", ())]
    return list(dict.fromkeys([*processing.warnings, *of_stages]))


def results_by_stage(processing: Processing) -> dict[str, object | None]:
    """By its name in words, of each stage that may have something to warn of; None where it was not reached."""
    p = processing
    return {
        "spot finding": p.found, "indexing": p.indexed, "refinement": p.refined, "integration": p.integrated,
        "symmetry": p.symmetry, "scaling": p.scaled,
    }  # fmt: skip
