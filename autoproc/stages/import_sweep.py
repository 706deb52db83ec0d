"""Import: files become experiments, one for each sweep; what is not a sweep is named with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator, model_validator

from autoproc.errors import AutoprocError, InputError, UnsupportedFile
from autoproc.formats.expt import identifier_for
from autoproc.formats.header_values import HeaderOverrides
from autoproc.formats.registry import format_name, read_cbf_models
from autoproc.formats.sweeps import NoImages, Series, find_series, unique_names
from autoproc.geometry.detector import beam_centre_px
from autoproc.importing.classify import Wedge, not_a_sweep_reason, screening_reason
from autoproc.importing.continuity import Segment
from autoproc.importing.damaged import gap_warnings, split_around_damage, usable_run
from autoproc.importing.overriding import (
    Rectangle,
    Vector,
    masked_detector,
    moved_detector,
    overridden_beam,
    overridden_goniometer,
)
from autoproc.models.experiment import Detector, Experiment, ImageSet, Scan
from autoproc.params import Params


class NotASweep(InputError):
    """Images that were found are not a rotation sweep."""

    what = "{path}: {reason}"
    hint = "a sweep is at least a few images that turn the crystal on without a gap"


class ImportParams(Params):
    """What to take instead of the images' headers, and what counts as a sweep."""

    wavelength: float | None = None
    """Wavelength, Angstrom; none takes the header's."""
    distance: float | None = None
    """Distance from the sample to the detector along its normal, mm; none takes the header's."""
    beam_centre: tuple[float, float] | None = None
    """Where the direct beam meets the detector, (fast, slow) pixels; none takes the header's."""
    rotation_axis: Vector | None = None
    """Direction of a single rotation axis in the laboratory; (-1, 0, 0) reverses the usual one."""
    goniometer_axes: tuple[Vector, ...] | None = None
    """Axes of the goniometer from the crystal outwards; the last one is scanned; none takes the header's."""
    goniometer_angles: tuple[float, ...] | None = None
    """Settings of goniometer_axes, degrees; none puts all at 0."""
    oscillation: tuple[float, float] | None = None
    """Start of the first image of each series and width of an image, degrees; none takes the header's."""
    polarization_fraction: float | None = None
    """Polarisation of the beam, 0.5 (none) to 1; none keeps the reader's 0.999, right for synchrotrons."""
    gain: float | None = None
    """Counts for a photon; none takes the reader's, 1 for photon counters."""
    mask: tuple[Rectangle, ...] = ()
    """Rectangles x0,y0,x1,y1 that are never trusted, pixels, half-open; several separated by semicolons."""
    image_range: tuple[int, int] | None = None
    """First and last image to use of every sweep, as numbered in the file names; none uses all."""
    min_images: int = 3
    """Fewer images than this are test shots, not a sweep: nothing can be refined against them."""
    max_damaged_fraction: float = Field(0.05, ge=0, le=1)
    """Images that may be damaged or missing, as a fraction of a sweep: they are left out with a warning. With
    more of them missing the longest unbroken run is used, with more damaged the sweep fails. 0 forgives none."""
    max_screening_rotation: float = 2.0
    """Series cut into several pieces of at most this many degrees each are screening shots (0, 45, 90)."""

    @field_validator("wavelength", "distance", "gain")
    @classmethod
    def _is_positive(cls, value: float | None) -> float | None:
        if value is not None and not value > 0:
            raise ValueError("it must be greater than 0")
        return value

    @field_validator("rotation_axis")
    @classmethod
    def _is_a_direction(cls, value: Vector | None) -> Vector | None:
        if value is not None and not np.linalg.norm(value) > 0:
            raise ValueError("a rotation axis needs a direction")
        return value

    @field_validator("mask")
    @classmethod
    def _are_rectangles(cls, value: tuple[Rectangle, ...]) -> tuple[Rectangle, ...]:
        if any(x0 >= x1 or y0 >= y1 for x0, y0, x1, y1 in value):
            raise ValueError("a rectangle is x0,y0,x1,y1 with x0 < x1 and y0 < y1")
        return value

    @model_validator(mode="after")
    def _agree(self) -> ImportParams:
        if self.image_range is not None and self.image_range[0] > self.image_range[1]:
            raise ValueError("image_range is first,last with first <= last")
        n_axes = None if self.goniometer_axes is None else len(self.goniometer_axes)
        if self.goniometer_angles is not None and len(self.goniometer_angles) != n_axes:
            raise ValueError("goniometer_angles needs one angle for each of goniometer_axes")
        return self


@dataclass(frozen=True, slots=True)
class ImportedSweep:
    """A sweep ready for spot finding.

    name : of its folder of results; format : in words; files : of its images; warnings : in plain words
    """

    name: str
    experiment: Experiment
    files: tuple[Path, ...]
    format: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Images that are no sweep: where, how many, and why.

    instead_of : name of the sweep that was looked for; "" for images that nobody would take for one,
    such as screening shots and images beside a sweep of the same series
    """

    path: Path
    n_images: int
    reason: str
    instead_of: str = ""

    @property
    def error(self) -> NotASweep:
        """The same as an error, for a caller who wanted a sweep."""
        return NotASweep(path=self.path, reason=self.reason)


@dataclass(frozen=True, slots=True)
class FailedImport:
    """Images that could not be used because of an error: where, and the sweep's name; "" if it has none."""

    path: Path
    name: str
    error: AutoprocError


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Sweeps, images that are none, and what could not be used because of an error."""

    experiments: tuple[ImportedSweep, ...]
    skipped: tuple[Skipped, ...]
    failures: tuple[FailedImport, ...]

    @property
    def problems(self) -> tuple[AutoprocError, ...]:
        """The errors alone."""
        return tuple(failure.error for failure in self.failures)


def import_sweeps(paths: Iterable[str | Path], params: ImportParams | None = None) -> ImportResult:
    """Experiments of all sweeps below directories, of templates, images (with siblings) and master files.

    An error in one series does not stop the others: it is listed among the problems.
    """
    params = params or ImportParams()
    found = find_series(paths)
    sweeps: list[ImportedSweep] = []
    skipped = [Skipped(path, 0, reason) for path, reason in found.passed_over]
    failures = [FailedImport(Path(), "", error) for error in found.problems]
    for series, name in zip(found.series, unique_names(found.series), strict=True):
        importer = _import_cbf if series.kind == "cbf" else _import_master
        try:
            for item in importer(series, name, params):
                (sweeps if isinstance(item, ImportedSweep) else skipped).append(item)  # type: ignore[arg-type]
        except UnsupportedFile as error:
            if series.expected:
                failures.append(FailedImport(series.template, name, error))
            else:
                skipped.append(Skipped(series.template, len(series.files), error.message))
        except AutoprocError as error:
            failures.append(FailedImport(series.template, name, error))
    return ImportResult(tuple(sweeps), tuple(skipped), tuple(failures))


def require_sweeps(result: ImportResult) -> None:
    """Raise the first error, or say why the images are no sweep, if there is nothing to process."""
    if result.experiments:
        return
    if result.problems:
        raise result.problems[0]
    if result.skipped:
        raise result.skipped[0].error
    raise NoImages(path="the input")


def _header_overrides(params: ImportParams) -> HeaderOverrides:
    return HeaderOverrides(params.wavelength, params.distance, params.beam_centre, params.oscillation)


def _import_cbf(series: Series, name: str, params: ImportParams) -> Iterator[ImportedSweep | Skipped]:
    low, high = params.image_range or (0, max(series.files))
    numbers = [number for number in series.files if low <= number <= high]
    if not numbers:
        yield Skipped(series.template, len(series.files), f"no image is within image_range {low} to {high}")
        return
    overrides = _header_overrides(params)
    segments, damaged = split_around_damage(
        numbers,
        lambda number: read_cbf_models(series.files[number], overrides),
        params.oscillation is None,
        params.max_damaged_fraction,
    )
    runs = [usable_run(segment, params.max_damaged_fraction) for segment in segments]
    wedges = [_wedge(segment, run) for segment, run in zip(segments, runs, strict=True)]
    screening = screening_reason(wedges, params.max_screening_rotation)
    if screening:
        yield Skipped(series.template, len(numbers), screening)
        return
    reasons = [not_a_sweep_reason(wedge, params.min_images) for wedge in wedges]
    instead_of = "" if "" in reasons else name
    for segment, run, reason in zip(segments, runs, reasons, strict=True):
        if reason:
            yield Skipped(series.template, len(segment.numbers), reason, instead_of)
        else:
            numbered = name if reasons.count("") == 1 else f"{name}_{segment.numbers[0]}-{segment.numbers[-1]}"
            yield _sweep(series, numbered, segment, run, gap_warnings(segment, run, damaged), params)


def _wedge(segment: Segment, run: tuple[int, int]) -> Wedge:
    return Wedge(run[0], run[1] - run[0] + 1, segment.oscillation if segment.first.oscillation is not None else None)


def _sweep(
    series: Series,
    name: str,
    segment: Segment,
    image_range: tuple[int, int],
    gaps: list[str],
    params: ImportParams,
) -> ImportedSweep:
    first, last = image_range
    n_images = last - first + 1
    models = segment.first
    start, width = segment.oscillation
    offset = first - (min(series.files) if params.oscillation else segment.numbers[0])
    scan = Scan((first, last), (start + offset * width, width), np.full(n_images, models.exposure))
    imageset = ImageSet("cbf", str(series.template))
    experiment = Experiment(
        overridden_beam(models.beam, None, params.polarization_fraction),
        masked_detector(models.detector, params.mask, params.gain),
        overridden_goniometer(
            models.goniometer, params.rotation_axis, params.goniometer_axes, params.goniometer_angles
        ),
        scan,
        imageset,
        identifier=identifier_for(imageset, scan),
    )
    warnings = [*models.warnings, *gaps, *_beam_centre_warning(experiment)]
    files = tuple(series.files[n] for n in range(first, last + 1) if n in series.files)
    return ImportedSweep(name, experiment, files, format_name(files[0]), tuple(warnings))


def _beam_centre_warning(experiment: Experiment) -> list[str]:
    panel = experiment.detector[0]
    x, y = beam_centre_px(experiment.detector, experiment.beam)
    if 0 <= x < panel.image_size[0] and 0 <= y < panel.image_size[1]:
        return []
    if abs(abs(panel.normal @ experiment.beam.direction) - 1) > 1e-3:
        return []  # a detector on its arm need not see the direct beam
    return [f"the beam centre ({x:.1f}, {y:.1f}) pixels lies off the detector: check it if indexing fails"]


def _import_master(series: Series, name: str, params: ImportParams) -> Iterator[ImportedSweep | Skipped]:
    from autoproc.formats import nexus  # noqa: PLC0415  (h5py takes long to load)

    master = series.template
    found = nexus.experiments_from_master(master, _header_overrides(params))
    experiments = [_within(experiment, params.image_range) for experiment in found]
    parts = [experiment for experiment in experiments if experiment is not None]
    if not parts:
        yield Skipped(master, sum(e.scan.n_images for e in found), "no image is within image_range")
        return
    wedges = [Wedge(e.scan.image_range[0], e.scan.n_images, params.oscillation or e.scan.oscillation) for e in parts]
    screening = screening_reason(wedges, params.max_screening_rotation)
    if screening:
        yield Skipped(master, sum(wedge.n_images for wedge in wedges), screening)
        return
    reasons = [not_a_sweep_reason(wedge, params.min_images) for wedge in wedges]
    instead_of = "" if "" in reasons else name
    for part, wedge, reason in zip(parts, wedges, reasons, strict=True):
        if reason:
            yield Skipped(master, wedge.n_images, reason, instead_of)
        else:
            numbered = name if reasons.count("") == 1 else f"{name}_{wedge.first}-{part.scan.image_range[1]}"
            experiment = _overridden(part, params)
            warnings = tuple(_beam_centre_warning(experiment))
            yield ImportedSweep(numbered, experiment, (master,), format_name(master), warnings)


def _within(experiment: Experiment, image_range: tuple[int, int] | None) -> Experiment | None:
    """The part of an HDF5 sweep within image_range, or None."""
    scan, imageset = experiment.scan, experiment.imageset
    if image_range is None or imageset is None:
        return experiment
    first, last = max(image_range[0], scan.image_range[0]), min(image_range[1], scan.image_range[1])
    if first > last:
        return None
    begin, end = first - scan.image_range[0], last - scan.image_range[0] + 1
    part = Scan(
        (first, last),
        (scan.oscillation[0] + begin * scan.oscillation[1], scan.oscillation[1]),
        None if scan.exposure_times is None else scan.exposure_times[begin:end],
        None if scan.epochs is None else scan.epochs[begin:end],
    )
    images = replace(imageset, indices=imageset.indices[begin:end])
    return replace(experiment, scan=part, imageset=images, identifier=identifier_for(images, part))


def _overridden(experiment: Experiment, params: ImportParams) -> Experiment:
    """An experiment of a master file with the user's values."""
    beam = overridden_beam(experiment.beam, params.wavelength, params.polarization_fraction)
    detector: Detector = experiment.detector
    if params.wavelength or params.distance or params.beam_centre:
        detector = moved_detector(detector, beam, params.distance, params.beam_centre)
    scan = experiment.scan
    if params.oscillation is not None:
        start, width = params.oscillation
        scan = replace(scan, oscillation=(start + (scan.image_range[0] - 1) * width, width))
    goniometer = overridden_goniometer(
        experiment.goniometer, params.rotation_axis, params.goniometer_axes, params.goniometer_angles
    )
    detector = masked_detector(detector, params.mask, params.gain)
    return replace(experiment, beam=beam, detector=detector, goniometer=goniometer, scan=scan)


def format_import(result: ImportResult) -> str:
    """What was found, as dials.import prints it, with what was passed over, warnings and problems below."""
    rule = "-" * 80
    lines = [rule]
    for sweep in result.experiments:
        scan, imageset = sweep.experiment.scan, sweep.experiment.imageset
        template = imageset.template if imageset else ""
        first, last = scan.image_range
        start, width = scan.oscillation
        lines += [
            f"  sweep: {sweep.name}",
            f"  format: {sweep.format}",
            f"  template: {template}:{first}:{last}",
            f"  num images: {scan.n_images}",
            f"  rotation: {start:g} to {start + width * scan.n_images:g} degrees in steps of {width:g}",
            *(f"  warning: {warning}" for warning in sweep.warnings),
            rule,
        ]
    n_stills = sum(s.n_images for s in result.skipped if s.reason.startswith("stills"))
    lines += [
        f"  num images: {sum(s.experiment.scan.n_images for s in result.experiments)}",
        "  sequences:",
        f"    still:    {sum(s.reason.startswith('stills') for s in result.skipped)}",
        f"    sweep:    {len(result.experiments)}",
        f"  num stills: {n_stills}",
        rule,
    ]
    lines += [
        f"Passed over: {s.path} ({s.n_images} image{'s' * (s.n_images != 1)}): {s.reason}" for s in result.skipped
    ]
    lines += [f"Error: {problem}" for problem in result.problems]
    return "\n".join(lines)
