"""A reader without the frames that the user excludes."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import numpy as np

from autoproc.formats.images.frames import NO_COUNT, StoredImages
from autoproc.formats.images.stamps import Stamp


class ExcludingReader:
    """StoredImages that give frames of untrusted pixels, and read nothing, for the excluded ones."""

    def __init__(self, reader: StoredImages, excluded: Collection[int]) -> None:
        self._reader = reader
        self._excluded = frozenset(excluded)
        self.n_frames, self.shape = reader.n_frames, reader.shape
        self.min_trusted, self.max_trusted = reader.min_trusted, reader.max_trusted

    @cached_property
    def mask(self) -> np.ndarray:
        """(slow, fast) bool, where a pixel may be trusted."""
        return self._reader.mask

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._reader.path(frame)

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) int32 counts, none of them trusted, for an excluded frame."""
        if frame in self._excluded:
            return np.full(self.shape, NO_COUNT, np.int32)
        return self._reader.read(frame)

    def close(self) -> None:
        """Let go of the files."""
        self._reader.close()

    def apart(self, n_frames: int) -> None:
        """Nothing: which frames are excluded is known when all are there."""

    def stamp(self, frame: int) -> Stamp | None:
        """What is another once a frame is written again; None for an excluded one."""
        return None if frame in self._excluded else self._reader.stamp(frame)

    def remarks(self, first_image: int) -> list[str]:
        """What is odd about the files, in plain words."""
        return self._reader.remarks(first_image)
