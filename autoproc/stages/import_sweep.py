"""Import: files become experiments, one for each sweep; what is not a sweep is named with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoproc.errors import AutoprocError, InputError, UnsupportedFile
from autoproc.formats.dials.expt import identifier_for
from autoproc.formats.header_values import HeaderOverrides
from autoproc.formats.registry import format_name, read_image_models
from autoproc.formats.sweeps import ImageSeries, NoImages, find_series, unique_names
from autoproc.importing.classify import Wedge, not_a_sweep_reason, screening_reason
from autoproc.importing.continuity import ContinuousRotation
from autoproc.importing.damaged import Lacking, lacking, split_around_damage, usable_run, with_excluded
from autoproc.importing.overriding import (
    masked_detector,
    moved_detector,
    overridden_beam,
    overridden_counts,
    overridden_goniometer,
    standing_remarks,
)
from autoproc.importing.params import ImportParams
from autoproc.importing.plausibility import plausibility_warnings, required_axis, with_plausible_sensor
from autoproc.legible import legible
from autoproc.models.experiment import Detector, Experiment, ImageSet, Scan
from autoproc.wording import number_ranges

WHAT_A_SWEEP_IS = "a sweep is at least a few images that turn the crystal on without a gap"


class NotASweep(InputError):
    """Images that were found are not a rotation sweep."""

    what = "{path}: {reason}"
    hint = "{advice}"


@dataclass(frozen=True, slots=True)
class ImportedSweep:
    """A sweep ready for spot finding.

    name : of its folder of results; format : in words; files : of its images; told : warnings, in plain words
    tolerated : damaged and missing images, which whoever reads the images tells as well
    partial : why the images are not all that were collected, "" where they are
    """

    name: str
    experiment: Experiment
    files: tuple[Path, ...]
    format: str
    told: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    partial: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was told, and what of the models is not plausible; worked out when it is asked for."""
        return tuple(dict.fromkeys((*self.told, *plausibility_warnings(self.experiment))))


@dataclass(frozen=True, slots=True)
class Skipped:
    """Images that are no sweep: where, how many, and why.

    advice : what to do about it, "" where that is what a sweep is
    instead_of : name of the sweep that was looked for; "" for images that nobody would take for one,
    such as screening shots and images beside a sweep of the same series
    """

    path: Path
    n_images: int
    reason: str
    instead_of: str = ""
    advice: str = ""

    @property
    def error(self) -> NotASweep:
        """The same as an error, for a caller who wanted a sweep."""
        return NotASweep(path=self.path, reason=self.reason, advice=self.advice or WHAT_A_SWEEP_IS)


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
        result = import_series(series, name, params)
        sweeps += result.experiments
        skipped += result.skipped
        failures += result.failures
    return ImportResult(tuple(sweeps), tuple(skipped), tuple(failures))


def import_series(series: ImageSeries, name: str, params: ImportParams) -> ImportResult:
    """Experiments of one series that was found; an error is listed among the problems."""
    sweeps: list[ImportedSweep] = []
    skipped: list[Skipped] = []
    failures: list[FailedImport] = []
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
    return HeaderOverrides(
        params.wavelength, params.distance, params.beam_centre, params.oscillation, params.pixel_size
    )


def _import_cbf(series: ImageSeries, name: str, params: ImportParams) -> Iterator[ImportedSweep | Skipped]:
    low, high = params.image_range or (0, max(series.files))
    within = [number for number in series.files if low <= number <= high]
    excluded = params.excluded_from(range(low, min(high, max(series.files)) + 1))
    numbers = [number for number in within if number not in set(excluded)]
    if not numbers:
        yield _none_left(
            series.template, len(series.files), (min(series.files), max(series.files)), bool(within), params
        )
        return
    overrides = _header_overrides(params)
    segments, damaged = split_around_damage(
        numbers,
        lambda number: read_image_models(series.files[number], overrides),
        params.oscillation is None,
        params.max_damaged_fraction,
    )
    segments = [with_excluded(segment, excluded) for segment in segments]
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
            yield _sweep(series, numbered, segment, run, lacking(segment, run, damaged), params)


def _wedge(segment: ContinuousRotation, run: tuple[int, int]) -> Wedge:
    return Wedge(run[0], run[1] - run[0] + 1, segment.oscillation if segment.first.oscillation is not None else None)


def _sweep(
    series: ImageSeries,
    name: str,
    segment: ContinuousRotation,
    image_range: tuple[int, int],
    lacks: Lacking,
    params: ImportParams,
) -> ImportedSweep:
    first, last = image_range
    n_images = last - first + 1
    models = segment.first
    start, width = segment.oscillation
    offset = first - (min(series.files) if params.oscillation else segment.numbers[0])
    scan = Scan(
        (first, last),
        (start + offset * width, width),
        np.full(n_images, models.exposure),
        excluded=tuple(params.excluded_from(range(first, last + 1))),
    )
    imageset = ImageSet("cbf", str(series.template))
    experiment = Experiment(
        overridden_beam(models.beam, None, params.polarization_fraction, params.polarization_normal),
        _overridden_counts(models.detector, params),
        overridden_goniometer(
            models.goniometer, params.rotation_axis, params.goniometer_axes, params.goniometer_angles
        ),
        scan,
        imageset,
        identifier=identifier_for(imageset, scan),
        remarks=standing_remarks(models.remarks, params.polarization_fraction, params.min_trusted, params.max_trusted),
    )
    experiment, sensor_warnings = with_plausible_sensor(required_axis(series.template, experiment))
    warnings = [
        *models.warnings,
        *sensor_warnings,
        *lacks.decided,
        *_choice_warnings(scan, (min(series.files), max(series.files)), params),
    ]
    files = tuple(series.files[n] for n in range(first, last + 1) if n in series.files)
    return ImportedSweep(name, experiment, files, format_name(files[0]), tuple(warnings), lacks.tolerated)


def _choice_warnings(scan: Scan, there: tuple[int, int], params: ImportParams) -> list[str]:
    """Where the images that were chosen and those that are there differ, in plain words; there : first and last."""
    said = []
    first, last = there
    wanted = params.image_range
    if wanted is not None and (wanted[0] < first or wanted[1] > last):
        said.append(f"image_range {wanted[0]} to {wanted[1]} goes beyond the images, {first} to {last}")
    if scan.excluded:
        n = len(scan.excluded)
        said.append(f"{n} image{'s' * (n > 1)} left out as exclude_images says: {number_ranges(scan.excluded)}")
    outside = params.excluded_outside(first, last)
    if outside:
        said.append(f"exclude_images {', '.join(outside)} goes beyond the images, {first} to {last}")
    return said


def _import_master(series: ImageSeries, name: str, params: ImportParams) -> Iterator[ImportedSweep | Skipped]:
    from autoproc.formats.hdf5 import nexus  # noqa: PLC0415  (h5py takes long to load)

    master = series.template
    read = nexus.read_master(master, _header_overrides(params))
    found = list(read.parts)
    there = found[0].scan.image_range[0], found[-1].scan.image_range[1]
    experiments = [_within(experiment, params.image_range) for experiment in found]
    within = [experiment for experiment in experiments if experiment is not None]
    parts = [e for e in within if len(params.excluded_from(_numbers(e.scan))) < e.scan.n_images]
    if not parts:
        yield _none_left(master, sum(e.scan.n_images for e in found), there, bool(within), params)
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
            experiment, sensor_warnings = with_plausible_sensor(required_axis(master, overridden(part, params)))
            warnings = [*read.warnings, *_choice_warnings(experiment.scan, there, params), *sensor_warnings]
            yield ImportedSweep(numbered, experiment, (master,), format_name(master), tuple(warnings))


def _none_left(path: Path, n_images: int, there: tuple[int, int], excluded: bool, params: ImportParams) -> Skipped:
    """Images none of which the user wants; there : numbers of the first and last that are there."""
    first, last = there
    if excluded:
        advice = f"the images are numbered {first} to {last}: let import_sweep.exclude_images leave some of them"
        return Skipped(path, n_images, "every image is excluded", advice=advice)
    low, high = params.image_range or (0, 0)
    why = f"no image is within image_range {low} to {high}: they are numbered {first} to {last}"
    return Skipped(
        path, n_images, why, advice=f"give import_sweep.image_range within {first} and {last}, or leave it out"
    )


def _numbers(scan: Scan) -> range:
    return range(scan.image_range[0], scan.image_range[1] + 1)


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


def overridden(experiment: Experiment, params: ImportParams) -> Experiment:
    """An experiment of a file that holds all of it with the user's values."""
    beam = overridden_beam(experiment.beam, params.wavelength, params.polarization_fraction, params.polarization_normal)
    detector: Detector = experiment.detector
    if params.wavelength or params.distance or params.beam_centre:
        detector = moved_detector(detector, beam, params.distance, params.beam_centre)
    scan = experiment.scan
    if params.oscillation is not None:
        start, width = params.oscillation
        scan = replace(scan, oscillation=(start + (scan.image_range[0] - 1) * width, width))
    scan = replace(scan, excluded=tuple(params.excluded_from(_numbers(scan))))
    goniometer = overridden_goniometer(
        experiment.goniometer, params.rotation_axis, params.goniometer_axes, params.goniometer_angles
    )
    detector = _overridden_counts(detector, params)
    remarks = standing_remarks(experiment.remarks, params.polarization_fraction, params.min_trusted, params.max_trusted)
    return replace(experiment, beam=beam, detector=detector, goniometer=goniometer, scan=scan, remarks=remarks)


def _overridden_counts(detector: Detector, params: ImportParams) -> Detector:
    """The detector with the user's mask, gain and trusted range."""
    masked = masked_detector(detector, params.mask)
    return overridden_counts(masked, params.gain, params.min_trusted, params.max_trusted)


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
            f"  template: {legible(template)}:{first}:{last}",
            f"  num images: {scan.n_images}",
            f"  rotation: {start:g} to {start + width * scan.n_images:g} degrees in steps of {width:g}",
            *(f"  warning: {warning}" for warning in (*sweep.warnings, *sweep.tolerated)),
            *(f"  note: {remark}" for remark in sweep.experiment.remarks),
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
        f"Passed over: {legible(s.path)} ({s.n_images} image{'s' * (s.n_images != 1)}): {s.reason}"
        for s in result.skipped
    ]
    lines += [f"Error: {problem}" for problem in result.problems]
    return "\n".join(lines)
