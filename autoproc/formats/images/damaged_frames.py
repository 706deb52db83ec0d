"""A reader that goes on where single frames cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoproc.errors import UNREADABLE, InputError
from autoproc.formats.images.frames import NO_COUNT, StoredImages
from autoproc.formats.images.stamps import Stamp
from autoproc.passing import is_away, may_pass
from autoproc.wording import number_ranges

LISTED = 5


class TooManyDamagedImages(InputError):
    """More of a sweep's images cannot be read than may be left out."""

    what = "{n_damaged} of the first {n_read} images read cannot be used; {first}"
    hint = (
        "copy the images again from their source, or keep the good ones with import_sweep.image_range=FIRST,LAST; "
        "import_sweep.max_damaged_fraction=0.5 leaves out up to half of them"
    )


class ForgivingReader:
    """An ImageReader that gives a frame of untrusted pixels in place of one that cannot be read.

    damaged : the errors of such frames, by frame. Raises TooManyDamagedImages when there are more
    than max_fraction of all frames (and more than none).
    """

    def __init__(self, reader: StoredImages, max_fraction: float) -> None:
        self._reader = reader
        self._most = int(max_fraction * reader.n_frames)
        self._read: set[int] = set()
        self.damaged: dict[int, InputError] = {}
        self.n_frames, self.shape = reader.n_frames, reader.shape
        self.min_trusted, self.max_trusted = reader.min_trusted, reader.max_trusted

    @property
    def mask(self) -> np.ndarray:
        """(slow, fast) bool, where a pixel may be trusted."""
        return self._reader.mask

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._reader.path(frame)

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) int32 counts, none of them trusted, for a frame that cannot be read."""
        self._read.add(frame)
        try:
            return self._reader.read(frame)
        except UNREADABLE as error:
            self.damaged[frame] = error
            if len(self.damaged) > self._most:
                too_many = self._too_many(error)
                if too_many is error:  # whose own cause is to be kept
                    raise
                raise too_many from error
            return np.full(self.shape, NO_COUNT, np.int32)

    def apart(self, n_frames: int) -> None:
        """Nothing: which frames are damaged is known when they are read."""

    def stamp(self, frame: int) -> Stamp | None:
        """What is another once a frame is written again; None where that cannot be told."""
        self._read.add(frame)
        try:
            return self._reader.stamp(frame)
        except UNREADABLE:
            return None

    def _too_many(self, error: InputError) -> InputError:
        """The error itself if none is forgiven, or if the images may still come."""
        first = self.damaged[min(self.damaged)]
        if self._most == 0 or error.retryable:
            return first
        return TooManyDamagedImages(n_damaged=len(self.damaged), n_read=len(self._read), first=first.message)

    def lost_for_a_while(self) -> list[int]:
        """Frames that are not damaged: they could not be read for a reason that has passed, or is sure to pass."""
        doubtful = {
            frame: error for frame, error in sorted(self.damaged.items())
            if error.facts.get("is_missing") or may_pass(error)
        }  # fmt: skip
        return [frame for frame, error in doubtful.items() if is_away(error) or self._can_be_read(frame)]

    def _can_be_read(self, frame: int) -> bool:
        try:
            self._reader.read(frame)
        except UNREADABLE:
            return False
        return True

    def warnings(self, first_image: int) -> list[str]:
        """What was left out, in plain words; first_image is the number of frame 0 in the file names."""
        by_image = {frame + first_image: error for frame, error in sorted(self.damaged.items())}
        missing = [image for image, error in by_image.items() if error.facts.get("is_missing")]
        damaged = [image for image in by_image if image not in missing]
        said = [missing_images(missing)] if missing else []
        said += [f"image {image} left out: {by_image[image].message}" for image in damaged[:LISTED]]
        if len(damaged) > LISTED:
            others = number_ranges(damaged[LISTED:], LISTED)
            said.append(f"{len(damaged) - LISTED} more images that cannot be read were left out: {others}")
        return said + self._reader.remarks(first_image)


def missing_images(numbers: Sequence[int]) -> str:
    """What to say of images between others that are not there."""
    plural = "s are" if len(numbers) > 1 else " is"
    return f"{len(numbers)} image{plural} missing ({number_ranges(numbers, LISTED)}): the sweep is processed without"
