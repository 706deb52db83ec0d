"""Frames of HDF5 files that are read without the HDF5 library, and so while somebody writes to these files.

Whoever has a file open by the library sees it as it was then, in the whole process: to look for new images, all have
to let go of it. Where a frame lies in it does not change.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.kernels.bitshuffle_lz4 import decode_bitshuffle_lz4


class StoredChunk(NamedTuple):
    """A frame compressed by bitshuffle/LZ4: its file, where it begins there, its bytes, and those of a count."""

    path: Path
    offset: int
    n_bytes: int
    item_size: int


class ChunksApart:
    """An ImageReader (see formats.images.frames) of frames that are known to be written.

    mask : (slow, fast) bool; trusted : least count, and the count from which it is an overload
    """

    def __init__(self, mask: np.ndarray, trusted: tuple[int, float], chunks: Sequence[StoredChunk]) -> None:
        self.mask, self.shape, self.n_frames = mask, (mask.shape[0], mask.shape[1]), len(chunks)
        self.min_trusted, self.max_trusted = trusted
        self._chunks = chunks

    def path(self, frame: int) -> Path:
        """The file that holds a frame."""
        return self._chunks[frame].path

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) counts. Raises CorruptFile or UnreadableFile."""
        chunk = self._chunks[frame]
        try:
            file = os.open(chunk.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                stored = os.pread(file, chunk.n_bytes, chunk.offset)
            finally:
                os.close(file)
        except OSError as error:
            raise UnreadableFile(path=chunk.path, reason=error.strerror or str(error)) from error
        try:
            counts = decode_bitshuffle_lz4(stored, chunk.item_size, self.shape[0] * self.shape[1])
        except ValueError as error:
            raise CorruptFile(path=chunk.path, reason=f"frame {frame} cannot be read; {error}") from error
        return counts.reshape(self.shape)
