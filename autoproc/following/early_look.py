"""The first look of integration, at the background and the strong spots, made while a sweep is still being collected.

It needs the spots of a frame as they are in the end: frames are looked at when all that is on them has ended. Where
more is found of them later (a hot pixel drops spots), they are looked at once more when the sweep is integrated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.errors import UNREADABLE
from autoproc.following.coming import ImagesThere
from autoproc.formats.images.frames import StoredImages
from autoproc.formats.images.stamps import Stamp
from autoproc.integration.early_survey import EarlySurvey, survey_key
from autoproc.integration.scattering import geometry_numbers, scattering
from autoproc.integration.survey import MAX_SURVEYED, RowsOnFrame, SpotPlaces, Surveyor, spots_on, survey_tasks
from autoproc.models.experiment import Experiment, Scan
from autoproc.robust import readout_variance
from autoproc.spot_finding.centroids import measure_spots, peak_distance, peak_pixel
from autoproc.spot_finding.early import EarlySearch
from autoproc.spot_finding.images import SearchedImages
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.spot_finding.pixels import SpotPixels, SpotStream

MOST_HELD = 400 << 20
"""Bytes of decoded images that wait for their spots to end; others are read again. Some 80 of 2.5 million pixels."""
HOT_FIRST, HOT_AGAIN = 16, 64
"""Frames after which hot pixels are first looked for, and, after twice as many, again: they become sure slowly."""


@dataclass(slots=True, eq=False)
class _Spots:
    """Spots that have ended, in the order of their first pixels: where they are, that first pixel, and their peaks."""

    places: SpotPlaces
    first: np.ndarray
    peak: np.ndarray

    @staticmethod
    def of(pixels: SpotPixels, params: FindSpotsParams, overload: float) -> _Spots:
        """Those of an acceptable size whose peak is near their centre, as spot finding keeps them."""
        size = pixels.size
        pixels = pixels[(size >= params.min_spot_size) & (size <= params.max_spot_size)]
        measured = measure_spots(pixels, overload)
        near = peak_distance(pixels, measured["xyz_obs_px"]) <= params.max_separation
        at, begin = peak_pixel(pixels)[near], pixels.start[:-1][near]
        return _Spots(
            SpotPlaces(measured["xyz_obs_px"][near, :2], measured["bbox"][near]),
            np.column_stack([pixels.x[begin], pixels.y[begin], pixels.z[begin]]),
            np.column_stack([pixels.x[at], pixels.y[at]]),
        )

    def chosen(self, rows: np.ndarray) -> _Spots:
        """Some of them."""
        places = SpotPlaces(self.places.xy[rows], self.places.bbox[rows])
        return _Spots(places, self.first[rows], self.peak[rows])

    def with_more(self, other: _Spots) -> _Spots:
        """Both, in order."""
        places = SpotPlaces(
            np.concatenate([self.places.xy, other.places.xy]), np.concatenate([self.places.bbox, other.places.bbox])
        )
        both = _Spots(
            places, np.concatenate([self.first, other.first]), np.concatenate([self.peak, other.peak])
        )  # fmt: skip
        return both.chosen(np.lexsort(both.first.T))


class EarlyLook:
    """Looks at frames of one sweep, one task after the other.

    there : the images that have come first; reader : of these
    steady : of integration.scattering.steady_geometry, as it will be in the end
    """

    def __init__(self, there: ImagesThere, steady: Experiment, reader: StoredImages, params: FindSpotsParams) -> None:
        experiment = there.experiment
        panel, self._scan = experiment.detector[0], experiment.scan
        self._params, self._overload = params, panel.trusted_range[1]
        self.first_image = experiment.scan.image_range[0]
        trusted = np.ascontiguousarray(reader.mask, np.uint8)
        trust, noise = (reader.min_trusted, reader.max_trusted), 0.0
        if reader.min_trusted < 0:
            noise = readout_variance(reader.read(0), reader.mask, reader.min_trusted)
        surveyor = Surveyor(trusted, scattering(steady).ring, trust, panel.gain, noise)
        key = survey_key(trusted, geometry_numbers(steady), trust, panel.gain, noise)
        self.survey = EarlySurvey(key, surveyor, reader.shape)
        self._tasks = survey_tasks(there.planned or MAX_SURVEYED, trusted.size)
        self._wanted = {frame for task in self._tasks for frame in task}
        self._next = 0
        self._frame, self._until, self._next_hot = 0, 0, HOT_FIRST
        self._stream = SpotStream(reader.shape[1])
        self._tally = SearchedImages(reader.shape)
        self._hot = np.zeros(reader.shape, bool)
        self._spots = _Spots.of(SpotPixels.in_order([]), params, self._overload)
        self._held: dict[int, tuple[Stamp, np.ndarray]] = {}
        self._n_held = 0

    @property
    def is_done(self) -> bool:
        """Nothing is left to be looked at."""
        return self._next >= len(self._tasks)

    def hold(self, number: int, stamp: Stamp, image: np.ndarray) -> None:
        """Keep an image that was just read, if there is room and it will be looked at."""
        frame = number - self.first_image
        if frame not in self._wanted or self._n_held + image.nbytes > MOST_HELD:
            return
        self._held[frame] = stamp, image
        self._n_held += image.nbytes

    def take(self, early: EarlySearch) -> None:
        """Take in what was found on the frames that follow those taken in before."""
        before = self._frame
        while (found := early.find(self.first_image + self._frame)) is not None:
            found = found._replace(frame=self._frame)
            for frame, strong in self._tally.record([found]):
                self._stream.add(frame, strong)
            self._frame += 1
            if self._frame == self._next_hot:
                self._next_hot = min(2 * self._frame, self._frame + HOT_AGAIN)
                scan = Scan((1, self._frame), self._scan.oscillation)
                self._hot = self._tally.hot_pixels(scan, self._params.hot_pixel_fraction)
        if self._frame > before:
            self._spots = self._spots.with_more(_Spots.of(self._stream.ended(), self._params, self._overload))
            self._until = self._known_until()

    @property
    def is_ready(self) -> bool:
        """There are frames to be looked at, whose spots have ended."""
        return not self.is_done and self._tasks[self._next].stop < self._until

    def turn(self, reader: StoredImages, early: EarlySearch, is_over: Callable[[], bool]) -> bool:
        """Look at the frames that are ready; returns whether there were any. early : that was taken in."""
        looked = False
        while self.is_ready and not is_over():
            task = self._tasks[self._next]
            self._wanted.difference_update(task)
            images = self._images(task, reader, early)
            if images is not None:
                stamps, pixels = zip(*images, strict=True)
                self.survey.look(self.first_image + task.start, pixels, stamps, self._on(task))
            self._next += 1
            self._forget()
            looked = True
        return looked

    def _known_until(self) -> int:
        """The first frame on which a spot may go on that will be kept, if it ends as it is; after the last, if none.

        What goes on upon a hot pixel does so for ever, and is dropped in the end, or else looked at once more.
        """
        going_on = self._stream.open()
        going_on = going_on[going_on.size <= self._params.max_spot_size]
        if not len(going_on):
            return self._frame
        cold = ~np.logical_or.reduceat(self._hot[going_on.y, going_on.x], going_on.start[:-1])
        return int(going_on.z[going_on.start[:-1]][cold].min(initial=self._frame))

    def _on(self, task: range) -> Sequence[RowsOnFrame]:
        cold = np.flatnonzero(~self._hot[self._spots.peak[:, 1], self._spots.peak[:, 0]])
        return spots_on(self._spots.chosen(cold).places, task)

    def _images(self, task: range, reader: StoredImages, early: EarlySearch) -> list[tuple[Stamp, np.ndarray]] | None:
        """Of a task, with their stamps; None where one cannot be read, or is not what was searched."""
        found = [self._held.get(frame) or self._read(frame, reader, early) for frame in task]
        there = [one for one in found if one is not None]
        return there if len(there) == len(task) else None

    def _read(self, frame: int, reader: StoredImages, early: EarlySearch) -> tuple[Stamp, np.ndarray] | None:
        """An image that is what it was when it was searched, whose stamp had stood for its grain then."""
        try:
            stamp = reader.stamp(frame)
            image = reader.read(frame)
            is_same = early.has(self.first_image + frame, stamp) and reader.stamp(frame) == stamp
        except UNREADABLE:
            return None
        return (stamp, image) if stamp is not None and is_same else None

    def _forget(self) -> None:
        """Let go of images and spots that no later task needs."""
        start = self._tasks[self._next].start if not self.is_done else 1 << 30
        for frame in [frame for frame in self._held if frame < start]:
            self._n_held -= self._held.pop(frame)[1].nbytes
        self._spots = self._spots.chosen(np.flatnonzero(self._spots.places.bbox[:, 5] >= start - 1))
