"""Decoded frames kept for the second pass, as far as memory allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoproc.formats.frames import ImageReader


class FrameCache:
    """A reader that keeps the first frames read, up to a number of bytes, and reads the rest again.

    Counts are kept as the narrowest integers that hold them.
    """

    def __init__(self, reader: ImageReader, max_bytes: int) -> None:
        self._reader = reader
        self._room = max_bytes
        self._kept: dict[int, np.ndarray] = {}
        self.n_frames = reader.n_frames
        self.shape = reader.shape
        self.mask = reader.mask
        self.min_trusted, self.max_trusted = reader.min_trusted, reader.max_trusted

    def read(self, frame: int) -> np.ndarray:
        """Counts of a frame, from memory or from its file."""
        kept = self._kept.get(frame)
        if kept is not None:
            return kept
        image = self._reader.read(frame)
        fits = image.dtype == np.int16 or (image.min() >= -32768 and image.max() < 32768)
        narrow = image.astype(np.int16, copy=False) if fits else image
        narrow.flags.writeable = False
        if narrow.nbytes <= self._room:
            self._room -= narrow.nbytes
            self._kept[frame] = narrow
        return narrow

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._reader.path(frame)
