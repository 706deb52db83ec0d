"""Sweeps that the user has named, or all under a directory as it stands: without waiting for more images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.formats.sweeps import Series, find_series
from autoproc.service.found_sweep import FoundSweep, Kind, fingerprint
from autoproc.stages.import_sweep import ImportedSweep, ImportParams, Skipped, import_sweeps

START = 4096
"""Bytes of a file that tell it from others."""


@dataclass(frozen=True, slots=True)
class NamedSweeps:
    """What the paths of a command line stand for.

    sweeps : to process, those with unusable images among them: their folders will say why
    skipped : images that are no sweep, beside others; problems : of paths without a sweep
    """

    sweeps: tuple[FoundSweep, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[AutoprocError, ...]


def named_sweeps(
    paths: Sequence[str | Path], params: ImportParams, clock: Callable[[], float] = time.time
) -> NamedSweeps:
    """All sweeps of some paths, as they are now."""
    result = import_sweeps(paths, params)
    series = {one.template: one for one in find_series(paths).series}
    per_path = _count(_path_of(sweep) for sweep in result.experiments)
    found = [_found(sweep, series, per_path[_path_of(sweep)] > 1, clock()) for sweep in result.experiments]
    unusable = {f.name: f.path for f in result.failures if f.name}
    unusable |= {s.instead_of: s.path for s in result.skipped if s.instead_of}
    found += [_unusable(name, path, series, clock()) for name, path in unusable.items()]
    skipped = tuple(s for s in result.skipped if not s.instead_of)
    return NamedSweeps(tuple(found), skipped, tuple(f.error for f in result.failures if not f.name))


def _path_of(sweep: ImportedSweep) -> Path:
    images = sweep.experiment.imageset
    assert images is not None
    return Path(images.template)


def _count(paths: Iterable[Path]) -> dict[Path, int]:
    counts: dict[Path, int] = {}
    for path in paths:
        counts[path] = counts.get(path, 0) + 1
    return counts


def _found(sweep: ImportedSweep, series: dict[Path, Series], is_one_of_several: bool, now: float) -> FoundSweep:
    path, scan = _path_of(sweep), sweep.experiment.scan
    images = scan.image_range if is_one_of_several else _numbers(series.get(path))
    told_by = fingerprint(path, start_of(sweep.files[0]))
    return FoundSweep(
        path, _kind(series.get(path)), images, scan.n_images, told_by, "complete", "", sweep.name, str(path.parent), now
    )  # fmt: skip


def _unusable(name: str, path: Path, series: dict[Path, Series], now: float) -> FoundSweep:
    known = series.get(path)
    first = known.files[min(known.files)] if known is not None and known.files else path
    n_images = len(known.files) if known is not None and known.kind == "cbf" else 0
    return FoundSweep(
        path, _kind(known), _numbers(known), n_images, fingerprint(path, start_of(first)), "complete", "",
        name, str(path.parent), now,
    )  # fmt: skip


def _kind(series: Series | None) -> Kind:
    return "hdf5" if series is not None and series.kind == "hdf5" else "cbf"


def _numbers(series: Series | None) -> tuple[int, int] | None:
    """First and last number of the images meant: a user may have named some of them only."""
    if series is None or series.kind != "cbf" or not series.files:
        return None
    return min(series.files), max(series.files)


def start_of(path: Path) -> bytes:
    """What a file begins with; its name if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError:
        return os.fsencode(path)
