"""Which images of a sweep are there while it is collected, whatever files they come in."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoproc.formats.images.frames import StoredImages
from autoproc.formats.images.planned import planned_images
from autoproc.formats.registry import open_reader
from autoproc.formats.sweeps import ImageSeries, find_series
from autoproc.importing.params import ImportParams
from autoproc.models.experiment import Experiment
from autoproc.stages.import_sweep import ImportedSweep, import_series

AGAIN = 10.0
"""Seconds after which a master is read once more while images come: angles and counts may be written to it late."""
FEW = 10
"""Images below which it is not told that they are no sweep: more are to come that may make them one. A judgement."""


@dataclass(frozen=True, slots=True, eq=False)
class ImagesThere:
    """The images of a sweep that are there now, whole or not.

    experiment : with a scan from the first of them to the last; numbers : of the images, ascending
    planned : how many there are to be, None where nothing says so; announced : the same, of what was known from the
        first image on and stays; n_files : files of one image each, whether they are
        wanted or not; 0 where images come in other files
    """

    experiment: Experiment
    numbers: np.ndarray
    planned: int | None = None
    n_files: int = 0
    announced: int | None = None

    def reader(self) -> StoredImages:
        """Who reads them. Raises what open_reader raises."""
        return open_reader(self.experiment)


class Coming:
    """Looks at what has come of the sweep at a path: a template of files, or a master file.

    why_none : why what has come is no sweep, "" where it is one, or nothing has come
    """

    def __init__(self, path: str | Path, params: ImportParams) -> None:
        self._path, self._params = path, params
        self._first: Experiment | None = None
        self._planned: int | None = None
        self._again = 0.0
        self._seen: tuple[int, ...] = ()
        self.why_none = ""

    def look(self) -> ImagesThere | None:
        """What is there; None where it is no sweep yet, or nothing has come since the last look.

        Raises AutoprocError, and what a file that is just being written may lead to.
        """
        series = find_series([self._path]).series
        if not series:
            return None
        return self._of_files(series[0]) if series[0].kind == "cbf" else self._of_master(series[0])

    def has_more(self) -> bool:
        """Files of single images have come, or gone, since the last look."""
        series = find_series([self._path]).series
        return not series or self._wanted(series[0].files) != self._seen

    def _of_files(self, series: ImageSeries) -> ImagesThere | None:
        numbers = self._wanted(series.files)
        if not numbers or numbers == self._seen:
            return None
        if self._first is None:
            sweep = self._imported(series)
            if sweep is None:
                return None
            self._first, self._planned = sweep.experiment, planned_images(series.files[min(series.files)])
        self._seen = numbers
        experiment = _from_to(self._first, numbers[0], numbers[-1])
        return ImagesThere(experiment, np.array(numbers), self._planned, len(series.files), self._planned)

    def _of_master(self, series: ImageSeries) -> ImagesThere | None:
        from autoproc.formats.hdf5.frames_present import frames_present  # noqa: PLC0415  (h5py takes long to load)

        frames = frames_present(series.template)
        there = np.flatnonzero(frames.present)
        if not len(there) or tuple(there) == self._seen:
            return None
        experiment = self._of_this_master(series, int(there[-1]))
        if experiment is None:
            return None
        self._seen = tuple(there)
        assert experiment.imageset is not None
        first, last = experiment.scan.image_range
        indices = experiment.imageset.indices
        is_there = np.isin(indices, there) if indices else np.isin(np.arange(last - first + 1), there)
        numbers = np.array(self._wanted((first + np.flatnonzero(is_there)).tolist()), int)
        if not len(numbers):
            return None
        return ImagesThere(experiment, numbers, frames.n_expected, announced=frames.n_announced)

    def _of_this_master(self, series: ImageSeries, last: int) -> Experiment | None:
        """What the master describes; as it was read before, if that has this frame and was not long ago."""
        known, now = self._first, time.monotonic()
        if known is not None and now < self._again:
            indices = () if known.imageset is None else known.imageset.indices
            if last <= max(indices, default=known.scan.n_images - 1):
                return known
        sweep = self._imported(series)
        self._first = None if sweep is None else sweep.experiment
        self._again = now + AGAIN
        return self._first

    def _wanted(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Of these images, the ones that will be processed, ascending."""
        low, high = self._params.image_range or (0, math.inf)
        within = [number for number in sorted(numbers) if low <= number <= high]
        excluded = set(self._params.excluded_from(within))
        return tuple(number for number in within if number not in excluded)

    def _imported(self, series: ImageSeries) -> ImportedSweep | None:
        """The sweep that has most images."""
        result = import_series(series, series.stem, self._params)
        is_told = not result.experiments and sum(one.n_images for one in result.skipped) >= FEW
        self.why_none = max(result.skipped, key=lambda one: one.n_images).reason if is_told else ""
        return max(result.experiments, key=lambda sweep: sweep.experiment.scan.n_images, default=None)


def _from_to(experiment: Experiment, first: int, last: int) -> Experiment:
    """The experiment with other images of the same rotation: those of a series are numbered by their angle."""
    return replace(experiment, scan=replace(experiment.scan.part(first, last), excluded=()))
