"""Frames: what a reader of images offers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from autoproc.formats.images.stamps import Stamp

NO_COUNT = int(np.iinfo(np.int32).min)
"""Of a pixel without a value, below the least count of any detector."""


class ImageReader(Protocol):
    """Random access to the frames of one sweep. Safe to call from several threads at once.

    shape : (slow, fast)
    mask : (slow, fast) bool, True where a pixel may be trusted on every frame (gaps, dead pixels,
        untrusted rectangles and the file's own pixel_mask are False)
    min_trusted : counts below it are no counts: markers of bad pixels; 0 for photon counters
    max_trusted : counts at or above it are overloads
    """

    n_frames: int
    shape: tuple[int, int]
    min_trusted: int
    max_trusted: float

    @property
    def mask(self) -> np.ndarray:
        """See above."""

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) counts of frame `frame`, 0-based from the start of the scan: int32, or int16 where all fit.

        Pixels are as in the file, bit for bit; the file's marker for bad pixels (of unsigned counts the
        largest value) is below min_trusted. The array is the caller's, who may overwrite it.
        Raises CorruptFile or UnreadableFile with the name of the file.
        """

    def path(self, frame: int) -> Path:
        """The file that holds frame `frame`, for messages."""


class StoredImages(ImageReader, Protocol):
    """An ImageReader of images in files."""

    def remarks(self, first_image: int) -> list[str]:
        """What is odd about the files read until now, in plain words; first_image : number of frame 0 in their names.

        Images that cannot be read are not among it: read raises for them.
        """

    def close(self) -> None:
        """Let go of the files; nothing is read any more."""

    def apart(self, n_frames: int) -> ImageReader | None:
        """The first frames, which are known to be written, to be read when this is closed; None where they cannot be.

        Raises what read raises.
        """

    def stamp(self, frame: int) -> Stamp | None:
        """What is another once a frame is written again; None where that cannot be told. Raises what read raises."""
