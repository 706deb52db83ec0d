"""What images that are all there are: a sweep, several, or none; import decides as it will when they are processed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from autoproc.errors import AutoprocError
from autoproc.formats.compressed import read_start
from autoproc.formats.hdf5.frames_present import FramesPresent
from autoproc.formats.registry import image_kind
from autoproc.formats.sweeps import ImageSeries
from autoproc.formats.templates import grouped_by_template
from autoproc.importing.damaged import left_out, usable_numbers
from autoproc.importing.params import ImportParams
from autoproc.passing import may_pass
from autoproc.service.sweeps.found_sweep import FoundSweep, Kind, ListedImages, What, fingerprint
from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.stages.import_sweep import ImportedSweep, ImportResult, Skipped, import_series

IDENTITY_BYTES = 4096
"""Of an image's header: the detector's time stamp and the checksum of the pixels are among them."""


def recognise_cbf(
    directory: Path, visit: str, files: Mapping[int, Path], marker: Path, verdict: SeriesVerdict, arrived: float,
    params: ImportParams,
) -> Iterator[FoundSweep | ListedImages]:  # fmt: skip
    """The sweeps among CBF files that differ by their counter, and images that are none.

    marker : the image that tells these from other images at their place, where they are one sweep
    """
    for template, members in grouped_by_template(path.name for path in files.values()).items():
        paths = {number: directory / name for number, name in members.items()}
        series = ImageSeries("cbf", directory / template, paths, expected=False)
        result = import_series(series, series.stem, params)
        mark = marker if marker in paths.values() else paths[min(paths)]
        for sweep in result.experiments:
            own = mark if len(result.experiments) == 1 else sweep.files[0]
            yield _cbf_sweep(series, sweep, own, visit, verdict, arrived)
        yield from map(_listed, result.skipped)
        yield from _failed(series, result, visit, verdict, arrived, len(paths), _identity(mark))


def recognise_master(
    path: Path, visit: str, there: FramesPresent, verdict: SeriesVerdict, arrived: float, params: ImportParams
) -> Iterator[FoundSweep | ListedImages]:
    """The sweeps that a master file describes, as far as their frames are there."""
    series = ImageSeries("hdf5", path, {1: path})
    present = (there.present.nonzero()[0] + 1).tolist()
    result = import_series(series, series.stem, params)
    identity = there.first_frame
    alone = len(result.experiments) == 1
    for sweep in result.experiments:
        first, last = sweep.experiment.scan.image_range
        numbers = [number for number in present if first <= number <= last]
        usable = usable_numbers(numbers, params.max_damaged_fraction)
        if usable is None:
            continue
        n_images = sum(usable[0] <= number <= usable[1] for number in numbers)
        reason = "; ".join(filter(None, (verdict.reason, left_out(numbers, usable))))
        is_whole = alone and verdict.state == "complete"
        mark = identity if alone else identity + f":{first}".encode()
        yield FoundSweep(
            path, "hdf5", None if is_whole else usable, n_images, fingerprint(path, mark),
            "complete" if verdict.state == "complete" else "partial", reason, sweep.name, visit, arrived,
        )  # fmt: skip
    yield from map(_listed, result.skipped)
    yield from _failed(series, result, visit, verdict, arrived, there.n_present, identity)


def _cbf_sweep(
    series: ImageSeries, sweep: ImportedSweep, marker: Path, visit: str, verdict: SeriesVerdict, arrived: float
) -> FoundSweep:
    first, last = sweep.experiment.scan.image_range
    return FoundSweep(
        series.template, kind_of_series(series), (first, last), len(sweep.files),
        fingerprint(series.template, _identity(marker)),
        "complete" if verdict.state == "complete" else "partial", verdict.reason, sweep.name, visit, arrived,
    )  # fmt: skip


def _failed(
    series: ImageSeries,
    result: ImportResult,
    visit: str,
    verdict: SeriesVerdict,
    arrived: float,
    n_images: int,
    identity: bytes,
) -> Iterator[FoundSweep]:
    """Images that cannot be imported go to the queue all the same: its worker tells the user why, and what to do."""
    if not os.path.lexists(series.files[min(series.files)]):
        return  # moved away since they were seen: when they are back, they are seen anew
    for failure in result.failures:
        why = verdict.reason or ("" if may_pass(failure.error) else failure.error.message)  # that says nothing of them
        yield FoundSweep(
            series.template, kind_of_series(series), None, n_images,
            fingerprint(series.template, identity), "partial" if why else "complete", why, series.stem, visit, arrived,
        )  # fmt: skip


def kind_of_series(series: ImageSeries) -> Kind:
    """The kind of its images; by their name where the first of them cannot be read."""
    if series.kind == "hdf5":
        return "hdf5"
    first = series.files[min(series.files)]
    try:
        return cast(Kind, image_kind(first))
    except AutoprocError:
        return "cbf" if ".cbf" in first.name.lower() else "unknown"


def _listed(skipped: Skipped) -> ListedImages:
    return ListedImages(skipped.path, skipped.n_images, _what(skipped), skipped.reason)


def _what(skipped: Skipped) -> What:
    if skipped.reason.startswith("stills"):
        return "stills"
    if skipped.reason.startswith("screening"):
        return "screening"
    return "test" if "not a sweep" in skipped.reason or "fewer than" in skipped.reason else "unreadable"


def _identity(path: Path) -> bytes:
    """What tells an image from others at its place; the start of the file, uncompressed."""
    try:
        return read_start(path, IDENTITY_BYTES)
    except AutoprocError:
        return b""
