"""The images of a subject, by their numbers, as pyramids."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoproc.errors import InputError
from autoproc.formats.images.frames import StoredImages
from autoproc.formats.registry import open_reader
from autoproc.legible import legible
from autoproc.models.data_set_names import data_set_names, sweep_part
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import sweeps_of
from autoproc.stages.find_spots import FindSpotsParams
from autoproc.viewing.file_stamp import Stamp, stamps
from autoproc.viewing.image_cache import BoundedCache
from autoproc.viewing.image_tiles import HIGHEST, Pyramid, pyramid_of_counts
from autoproc.viewing.spot_view import searched, spot_pyramid
from autoproc.viewing.subject import Subject

ROOM = 384 << 20
"""Bytes of pyramids kept: eight images of 18 million pixels."""
MOST_STACKED = 100
"""Images that are added up for one picture."""
MOST_OPEN = 12
"""Sweeps kept open."""
MASKS = 12 * (18 << 20)
"""Bytes of their masks: of as many sweeps of 18 million pixels."""


class NoSuchImage(InputError):
    """An image that a sweep does not have."""

    what = "{title} has no image {number}"
    hint = "its images are {first} to {last}"


class NoSuchSweep(InputError):
    """A sweep that an .expt file does not have."""

    what = "{title} has no sweep {number}"
    hint = "it has {n}, counted from 0"


@dataclass(frozen=True, slots=True)
class Stack:
    """What is drawn: an image, or several from it on; how : sum, or maximum, of each pixel. A mean is a sum divided."""

    n: int = 1
    how: str = "sum"


ONE = Stack()
USUAL_SEARCH = FindSpotsParams().model_dump_json()


@dataclass(frozen=True, slots=True, eq=False)
class SweepOfImages:
    """The images of one sweep, and the lattices on them.

    number : its place among the file's sweeps
    members : positions of its experiments among those of the file; models : these
    mask : (slow, fast) bool, of the detector; own : tells these images from others in the cache
    """

    title: str
    number: int
    members: tuple[int, ...]
    models: tuple[Experiment, ...]
    reader: StoredImages
    mask: np.ndarray
    cache: BoundedCache
    own: Hashable

    @property
    def experiment(self) -> Experiment:
        """The first, which has the beam, detector and scan of all."""
        return self.models[0]

    @property
    def first(self) -> int:
        """Number of the first image."""
        return self.experiment.scan.image_range[0]

    def version(self, number: int, stack: Stack = ONE) -> str:
        """Of an image, or a stack: another where a file of it, or what is believed of its pixels, is another.

        What maps of the spot finder depend on besides, but for parameters that are asked for, counts too.
        Raises NoSuchImage.
        """
        searched_with = self.experiment.detector[0].gain, USUAL_SEARCH
        seen = self.own, searched_with, self._stamps(number, stack)
        return hashlib.blake2b(repr(seen).encode(), digest_size=6).hexdigest()

    def frames(self, number: int, stack: Stack = ONE) -> range:
        """Those of an image, or of a stack from it on, as far as there are any. Raises NoSuchImage."""
        frame = self.frame(number)
        return range(frame, min(frame + stack.n, self.reader.n_frames))

    def _stamps(self, number: int, stack: Stack) -> tuple[Stamp, ...]:
        return stamps(self.reader.path(frame) for frame in self.frames(number, stack))

    def frame(self, number: int) -> int:
        """Counted from 0. Raises NoSuchImage."""
        first, last = self.experiment.scan.image_range
        if not first <= number <= last:
            raise NoSuchImage(title=self.title, number=number, first=first, last=last)
        return number - first

    def pyramid(self, number: int, stack: Stack = ONE) -> Pyramid:
        """Of an image, or a stack of those from it on that are there. Raises NoSuchImage, and what reading raises."""
        frames = self.frames(number, stack)
        return self.cache.ask((self.own, frames, stack, self._stamps(number, stack)), lambda: self._made(frames, stack))

    def spot_map(self, number: int, kind: str, params: FindSpotsParams) -> Pyramid:
        """What the spot finder sees of an image: one of spot_view.MAPS. Raises NoSuchImage, and what reading raises."""
        frame = self.frame(number)
        gain = self.experiment.detector[0].gain
        key = (self.own, frame, kind, gain, params.model_dump_json(), self._stamps(number, ONE))

        def made() -> Pyramid:
            return spot_pyramid(searched(self.experiment, self.reader.read(frame), self.mask, params), kind)

        return self.cache.ask(key, made)

    def _made(self, frames: range, stack: Stack) -> Pyramid:
        low, high = self.reader.min_trusted, self.reader.max_trusted
        if stack.n == 1:
            return pyramid_of_counts(self.reader.read(frames[0]), self.mask, low, high, in_place=True)
        counts, mask, (least, most) = stacked(self.reader, frames, stack.how)
        return pyramid_of_counts(counts, mask & self.mask, least, most, in_place=True)


def stacked(reader: StoredImages, frames: Sequence[int], how: str) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Frames one upon the other: counts (slow, fast) int32, where there are any (slow, fast) bool, lowest and overload.

    A pixel that is overloaded on one is overloaded; one without a count on some has that of the others, scaled up.
    """
    least = int(min(reader.min_trusted, 0))
    nothing = 0 if how == "sum" else least
    total = np.full(reader.shape, nothing, np.int64)
    n_good = np.zeros(reader.shape, np.int32)
    is_over = np.zeros(reader.shape, bool)
    for frame in frames:
        counts = reader.read(frame)
        good = counts >= reader.min_trusted
        is_over |= counts >= reader.max_trusted
        n_good += good
        kept = np.where(good, counts, nothing)
        total = total + kept if how == "sum" else np.maximum(total, kept)
    if how == "sum":
        short = (n_good > 0) & (n_good < len(frames))
        total[short] = total[short] * len(frames) // n_good[short]
    least = int(min(total.min(where=n_good > 0, initial=0), 0))
    most = int(min(total.max(initial=0) + 1, HIGHEST))
    counts = np.clip(total, least, most - 1).astype(np.int32)
    counts[is_over] = most
    return counts, n_good > 0, (least, most)


@dataclass(frozen=True, slots=True, eq=False)
class OpenSweep:
    """The files of a sweep, open.

    mask : (slow, fast) bool, of its detector
    held : files that stay open from image to image, and so are not seen to be others; when_opened : their stamps
    """

    reader: StoredImages
    mask: np.ndarray
    held: tuple[Path, ...]
    when_opened: tuple[Stamp, ...]

    @property
    def n_bytes(self) -> int:
        """Memory that it takes."""
        return self.mask.nbytes

    @property
    def is_old(self) -> bool:
        """Whether a file has been written since."""
        return stamps(self.held) != self.when_opened


class ImageRoom:
    """The images that were looked at lately, open, with what was made of them."""

    def __init__(self, room: int = ROOM) -> None:
        self._cache = BoundedCache(room)
        self._open = BoundedCache(MASKS, MOST_OPEN)

    def sweep(self, subject: Subject, stage: str, number: int = 0) -> SweepOfImages:
        """A sweep of a stage's models, by its place among the file's.

        Raises NoSuchSweep, NothingToSee, ImagesElsewhere.
        """
        experiments = subject.experiments(stage)
        groups = sweeps_among(experiments)
        if not 0 <= number < len(groups):
            raise NoSuchSweep(title=subject.title, number=number, n=len(groups))
        models = tuple(experiments[i] for i in groups[number])
        subject.require_own_images(models[0])
        key = _images_of(models[0])
        opened = self._open.ask(key, lambda: _opened(models[0]))
        if opened.is_old:
            self._open.forget(key, opened)
            opened = self._open.ask(key, lambda: _opened(models[0]))
        reader, mask, own = opened.reader, opened.mask, (key, opened.when_opened)
        return SweepOfImages(subject.title, number, groups[number], models, reader, mask, self._cache, own)


def _opened(experiment: Experiment) -> OpenSweep:
    images, reader = experiment.imageset, open_reader(experiment)
    held: tuple[Path, ...] = ()
    if images is not None and images.kind == "hdf5":
        held = (Path(images.template), *dict.fromkeys(reader.path(frame) for frame in range(reader.n_frames)))
    before = stamps(held)
    return OpenSweep(reader, reader.mask, held, before)


def _images_of(experiment: Experiment) -> Hashable:
    """Equal where the images are, and what is believed of their pixels: stages share what was made of them."""
    panel, images, scan = experiment.detector[0], experiment.imageset, experiment.scan
    where = (images.kind, images.template, images.indices) if images else (id(experiment),)
    return (*where, scan.image_range, scan.excluded, panel.trusted_range, panel.pedestal, panel.image_size, panel.mask)


def sweeps_among(experiments: Sequence[Experiment]) -> list[tuple[int, ...]]:
    """Positions of the experiments of each sweep of images, in the order of the file."""
    return [tuple(members) for members in sweeps_of(experiments)]


def data_sets_of_sweeps(experiments: Sequence[Experiment]) -> list[str]:
    """The name of each sweep's data set, without the lattice where there are several."""
    names = data_set_names(experiments)
    return [legible(sweep_part(names[members[0]])) for members in sweeps_among(experiments)]


def sweep_names(experiments: Sequence[Experiment]) -> list[str]:
    """What the images of each sweep are called, as their files are."""
    names = []
    for members in sweeps_among(experiments):
        one = experiments[members[0]]
        first, last = one.scan.image_range
        name = Path(one.imageset.template).name if one.imageset else "no images"
        names.append(legible(f"{name}, {first} to {last}"))
    return names
