"""What one series of images holds, as it stands: without waiting for more images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.formats.compressed import read_start
from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.sweeps import DATA_NAME, ImageSeries
from autoproc.formats.templates import sweep_name
from autoproc.importing.damaged import left_out, usable_numbers
from autoproc.importing.params import ImportParams
from autoproc.service.probing.questions import NamedImages
from autoproc.service.probing.recognise import IDENTITY_BYTES, kind_of_series
from autoproc.service.sweeps.found_sweep import FoundSweep, fingerprint
from autoproc.stages.import_sweep import ImportedSweep, import_series

HDF5_ENDINGS = (".h5", ".hdf5", ".nxs")


def named_images(
    series: ImageSeries, name: str, params: ImportParams, clock: Callable[[], float] = time.time
) -> NamedImages:
    """The sweeps of a series that the user has named, and images that are none.

    Images that cannot be used are a sweep all the same: its folder will say why.
    """
    result = import_series(series, name, params)
    several = len(result.experiments) > 1
    found = [_found(sweep, series, several, clock, params.max_damaged_fraction) for sweep in result.experiments]
    unusable = {f.name: f.path for f in result.failures if f.name}
    unusable |= {s.instead_of: s.path for s in result.skipped if s.instead_of}
    found += [_unusable(name, path, series, clock) for name, path in unusable.items()]
    return NamedImages(tuple(found), tuple(s for s in result.skipped if not s.instead_of))


def _found(
    sweep: ImportedSweep, series: ImageSeries, is_one_of_several: bool, clock: Callable[[], float], max_fraction: float
) -> FoundSweep:  # fmt: skip
    path, scan = series.template, sweep.experiment.scan
    images = scan.image_range if is_one_of_several else _numbers(series)
    told_by = fingerprint(path, mark_of(sweep.files[0], scan.image_range[0] if is_one_of_several else None))
    n_images = scan.n_images if kind_of_series(series) == "hdf5" else len(sweep.files)
    found = FoundSweep(
        path, kind_of_series(series), images, n_images, told_by, "complete", "", sweep.name, str(path.parent),
        written_at(sweep.files[-1], clock),
    )  # fmt: skip
    return as_far_as_there(found, scan.image_range, max_fraction) if found.kind == "hdf5" else found


def as_far_as_there(found: FoundSweep, image_range: tuple[int, int], max_fraction: float) -> FoundSweep:
    """The frames of a master file's sweep that are there: an aborted collection leaves the others empty.

    max_fraction : of them that may be missing between others, as in importing.damaged
    """
    there = frames_present(found.path)
    first, last = image_range
    numbers = [n for n in (there.present.nonzero()[0] + 1).tolist() if first <= n <= last]
    run = usable_numbers(numbers, max_fraction)
    n_expected = last - first + 1
    if run is None or len(numbers) == n_expected:
        return found
    there_are = f"{len(numbers)} of {n_expected} images are there"
    reason = "; ".join(filter(None, (there_are, left_out(numbers, run))))
    n_images = sum(run[0] <= number <= run[1] for number in numbers)
    return replace(found, image_range=run, n_images=n_images, state="partial", reason=reason)


def _unusable(name: str, path: Path, series: ImageSeries, clock: Callable[[], float]) -> FoundSweep:
    first, last = series.files[min(series.files)], series.files[max(series.files)]
    n_images = len(series.files) if series.kind == "cbf" else 0
    return FoundSweep(
        path, kind_of_series(series), _numbers(series), n_images, fingerprint(path, mark_of(first)), "complete", "",
        name, str(path.parent), written_at(last, clock),
    )  # fmt: skip


def written_at(path: Path, clock: Callable[[], float]) -> float:
    """When the last image was written: as its file says, or the last of the data files beside a master; else now."""
    beside = [path]
    try:
        if path.suffix.lower() in HDF5_ENDINGS:
            stem = sweep_name(path.name)
            beside += [
                p for p in path.parent.iterdir() if DATA_NAME.search(p.name) and DATA_NAME.sub("", p.name) == stem
            ]
        return min(clock(), max(p.stat().st_mtime for p in beside))
    except OSError:
        return clock()


def _numbers(series: ImageSeries) -> tuple[int, int] | None:
    """First and last number of the images meant: a user may have named some of them only."""
    if series.kind != "cbf":
        return None
    return min(series.files), max(series.files)


def mark_of(path: Path, first_image: int | None = None) -> bytes:
    """What tells images from others at their place, as it does for those that are found by watching.

    first_image : of one of several sweeps in one master file
    """
    try:
        if path.suffix.lower() in HDF5_ENDINGS:
            mark = frames_present(path).first_frame
            return mark if first_image is None else mark + f":{first_image}".encode()
        return read_start(path, IDENTITY_BYTES)
    except AutoprocError:
        return b""
