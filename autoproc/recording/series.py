"""One series of a stream as it is recorded: its files, and which of its images have come."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoproc.errors import InputError
from autoproc.formats.hdf5.confined_hdf5 import MOST_FRAMES
from autoproc.recording.data_file import DataFile
from autoproc.recording.messages import ImageMessage
from autoproc.recording.naming import data_path, master_path
from autoproc.recording.params import RecordParams
from autoproc.recording.start_facts import StartFacts
from autoproc.recording.typed_arrays import Compression, Packed
from autoproc.recording.write_master import Layout, write_master

MOST_OPEN = 2
"""Data files open at a time: images that are a little out of order lie in two that follow each other."""


class Unfit(InputError):
    """An image that cannot be part of its sweep."""

    what = "the stream's image {image} of {name} is not recorded: {reason}"
    hint = "{to_do}"


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a series is stored, decided when its first image comes.

    n : of images, None where nobody has said; per_file : of images
    """

    layout: Layout
    compression: Compression
    n: int | None
    per_file: int

    @property
    def n_files(self) -> int:
        return -(-self.n // self.per_file) if self.n else 1

    def size(self, number: int) -> int | None:
        """Images of a data file."""
        return min(self.per_file, self.n - number * self.per_file) if self.n else None


class RecordedSeries:
    """Files of one series below a stem of names, and the images in them; whatever writes raises OSError."""

    def __init__(self, key: str, stem: Path, facts: StartFacts | None, params: RecordParams) -> None:
        self.key, self.stem, self.facts = key, stem, facts
        self._params = params
        self._plan: _Plan | None = None
        self._has_master = False
        self._open: OrderedDict[int, DataFile] = OrderedDict()
        self._unsure: set[int] = set()
        self._present = np.zeros(0, bool)

    @property
    def name(self) -> str:
        """Of the sweep."""
        return self.stem.name

    @property
    def n_images(self) -> int | None:
        """The number of images that were announced."""
        return None if self.facts is None else self.facts.n_images

    @property
    def n_present(self) -> int:
        """Number of images that have come."""
        return int(self._present.sum())

    @property
    def is_open(self) -> bool:
        """It has files open, or such as must be looked at again."""
        return bool(self._open or self._unsure)

    @property
    def is_whole(self) -> bool:
        """All images that were announced have come."""
        return self.n_images is not None and self.n_present >= self.n_images

    def missing(self) -> list[int]:
        """Numbers, from 1 on as results count, of images that have not come: of all announced, else between others."""
        there = np.flatnonzero(self._present)
        n = self.n_images or (int(there[-1]) + 1 if len(there) else 0)
        return (np.setdiff1d(np.arange(n), there) + 1).tolist()

    def describe(self, facts: StartFacts) -> None:
        """Learn what the start message says, where it comes after images."""
        self.facts = facts
        self._require_master()

    def take(self, image: ImageMessage) -> bool:
        """Write an image; False for one that is there already. Raises Unfit, or BadMessage."""
        place = image.image_id - self._params.first_image
        self._require_place(image.image_id, place)
        self._require_master()  # where there was no room for it before
        if place < len(self._present) and self._present[place]:
            return False
        plan = self._plan or self._planned(image)
        channels = self._channels(image, plan)
        number, index = divmod(place, plan.per_file)
        self._file(number, plan).write(index, channels)
        if place >= len(self._present):
            room = np.zeros(max(place + 1, 2 * len(self._present)) - len(self._present), bool)
            self._present = np.append(self._present, room)
        self._present[place] = True
        self._plan = plan
        self._require_master()
        return True

    def flush(self) -> None:
        """Let readers see what was written."""
        for file in self._open.values():
            file.flush()

    def close(self) -> None:
        """Close the files; images that come later open them again."""
        for number in sorted(self._unsure):
            assert self._plan is not None
            self._file(number, self._plan)
        for number in list(self._open):
            self._shut(number)

    def give_up(self) -> None:
        """Close what can still be closed."""
        for number in list(self._open):
            with suppress(OSError, RuntimeError, ValueError):
                self._shut(number)
        self._open.clear()

    def renew(self) -> None:
        """Open the files anew after a failure to write: HDF5 may take for written what is not, so they are asked."""
        self._unsure.update(self._open)
        self.give_up()

    def _shut(self, number: int) -> None:
        is_sure = number not in self._unsure
        self._unsure.add(number)
        self._open[number].close()
        del self._open[number]
        if is_sure:
            self._unsure.discard(number)

    def _require_place(self, image_id: int, place: int) -> None:
        limit = self.n_images or MOST_FRAMES
        if not 0 <= place < limit:
            first = self._params.first_image
            raise Unfit(
                image=image_id,
                name=self.name,
                reason=f"its images have the numbers {first} to {first + limit - 1}",
                to_do=f"if the stream counts from another number than {first}, give it as record.first_image",
            )

    def _planned(self, image: ImageMessage) -> _Plan:
        """How to store a series whose first image is this one."""
        channels = self._wanted_channels(image)
        first = image.channels[channels[0]]
        kind = first.dtype.newbyteorder("<")
        fitting = tuple(
            name
            for name in channels
            if image.channels[name].shape == first.shape and image.channels[name].dtype.newbyteorder("<") == kind
        )
        layout = Layout(first.shape, kind, fitting)
        # Without their number images are all in one file, as a master cannot link to files of which nobody knows.
        per_file = self._params.images_per_file if self.n_images else MOST_FRAMES
        return _Plan(layout, first.compression, self.n_images, per_file)

    def _wanted_channels(self, image: ImageMessage) -> tuple[str, ...]:
        announced = () if self.facts is None else self.facts.channels
        order = [name for name in announced if name in image.channels]
        order += [name for name in image.channels if name not in order]
        wanted = tuple(name for name in self._params.channels if name in image.channels) or tuple(order)
        if self._params.channels and not set(self._params.channels) & set(image.channels):
            raise Unfit(
                image=image.image_id,
                name=self.name,
                reason=f"its channels are {', '.join(order)}",
                to_do="give those to record as record.channels, or none for all",
            )
        return wanted

    def _channels(self, image: ImageMessage, plan: _Plan) -> list[Packed]:
        """The channels to record, in order."""
        layout = plan.layout
        reason = next((f"it lacks the channel {name}" for name in layout.channels if name not in image.channels), "")
        channels = [image.channels[name] for name in layout.channels if name in image.channels]
        for pixels in channels:
            if pixels.shape != layout.shape or pixels.dtype.newbyteorder("<") != layout.dtype:
                it, first = _words(pixels.shape, pixels.dtype), _words(layout.shape, layout.dtype)
                reason = f"it has {it}, the first has {first}"
        if reason:
            to_do = "its sweep has the others; see what changed at the detector while it was collected"
            raise Unfit(image=image.image_id, name=self.name, reason=reason, to_do=to_do)
        return channels

    def _file(self, number: int, plan: _Plan) -> DataFile:
        """A data file, open; those used longest ago are closed."""
        file = self._open.pop(number, None)
        if file is None:
            self.stem.parent.mkdir(parents=True, exist_ok=True)
            file = DataFile(data_path(self.stem, number), plan.size(number), plan.layout, plan.compression)
        self._open[number] = file
        if number in self._unsure:
            part = self._present[number * plan.per_file :]
            stored = file.stored()[: len(part)]
            part[: len(stored)] &= stored
            self._unsure.discard(number)
        if len(self._open) > MOST_OPEN:
            self._shut(next(iter(self._open)))
        return file

    def _require_master(self) -> None:
        """Write the master once there is something to describe, and its description."""
        if self._plan is None or self.facts is None or self._has_master:
            return
        files = [data_path(self.stem, number) for number in range(self._plan.n_files)]
        write_master(master_path(self.stem), self.facts, self._plan.layout, files, self.key)
        self._has_master = True
        self.facts = replace(self.facts, masks={})  # large, and of no more use


def _words(shape: tuple[int, int], dtype: np.dtype) -> str:
    return f"{shape[1]} x {shape[0]} pixels of type {dtype.name}"
