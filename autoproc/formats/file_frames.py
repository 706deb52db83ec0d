"""Frames of a sweep whose images are in files of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from autoproc.errors import UNREADABLE, CorruptFile, InputError
from autoproc.formats.kept_images import KeptImages
from autoproc.models.experiment import Detector, ImageSet, Scan

MOST_TRIED = 20
"""Frames at the start of a sweep that are tried for its mask before it is given up."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How files of one image are read, in two steps.

    load : the content of a file, uncompressed by gzip or bzip2; decode : its (slow, fast) pixels, int32, or int16
    where all fit. Both take the file's path first, and raise UnreadableFile, UnsupportedFile or CorruptFile.
    """

    load: Callable[[Path], bytes]
    decode: Callable[[Path, bytes], np.ndarray]


class FileReader:
    """An ImageReader (see formats.frames) of a sweep of files of one frame each, without the panel's pedestal.

    imageset : the template of the files; scan : their numbers; detector : of one panel
    room : bytes that the contents of files may take in memory, for a second reading
    """

    def __init__(
        self, file_format: FileFormat, imageset: ImageSet, scan: Scan, detector: Detector, room: int = 0
    ) -> None:
        self._format = file_format
        self._kept: KeptImages[bytes] = KeptImages(room)
        self._imageset = imageset
        self._first = scan.image_range[0]
        panel = detector[0]
        self._pedestal = np.int32(round(panel.pedestal))
        self._rectangles = panel.mask
        self.n_frames = scan.n_images
        self.shape = (panel.image_size[1], panel.image_size[0])
        self.min_trusted, self.max_trusted = panel.min_trusted, panel.trusted_range[1]

    @cached_property
    def mask(self) -> np.ndarray:
        """(slow, fast) bool: outside the panel's untrusted rectangles, and with a count on the first good frame."""
        good = self._first_readable() >= self.min_trusted
        for x0, y0, x1, y1 in self._rectangles:
            good[y0:y1, x0:x1] = False
        return good

    def _first_readable(self) -> np.ndarray:
        """Counts of the first frame that can be read. Raises the first frame's error if none of the first few can."""
        errors: list[InputError] = []
        for frame in range(min(self.n_frames, MOST_TRIED)):
            try:
                return self.read(frame)
            except UNREADABLE as error:
                errors.append(error)
        raise errors[0]

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._imageset.path(self._first + frame)

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) counts of a frame. Raises UnreadableFile, UnsupportedFile or CorruptFile."""
        if not 0 <= frame < self.n_frames:
            raise IndexError(f"frame {frame} of {self.n_frames}")
        path = self.path(frame)
        kept = self._kept.find(frame)
        content = self._format.load(path) if kept is None else kept
        pixels = self._format.decode(path, content)
        if pixels.shape != self.shape:
            n_slow, n_fast = pixels.shape
            expected = f"{self.shape[1]} x {self.shape[0]}"
            raise CorruptFile(path=path, reason=f"its image has {n_fast} x {n_slow} pixels, the detector {expected}")
        self._kept.keep(frame, content)
        return pixels - self._pedestal if self._pedestal else pixels
