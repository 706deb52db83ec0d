"""Frames as a stream: what a reader of images offers, and blocks of frames from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from autoproc.threads import map_in_order

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
        """(slow, fast) int32 counts of frame `frame`, 0-based from the start of the scan.

        Pixels are as in the file, bit for bit; the file's marker for bad pixels (of unsigned counts the
        largest value) is below min_trusted. Raises CorruptFile or UnreadableFile
        with the name of the file.
        """

    def path(self, frame: int) -> Path:
        """The file that holds frame `frame`, for messages."""


@dataclass(frozen=True, slots=True)
class FrameBlock:
    """Consecutive frames: data[i] is frame `first + i` of the scan; (n, slow, fast) int32."""

    first: int
    data: np.ndarray


def stream_blocks(
    reader: ImageReader, first: int = 0, last: int | None = None, block: int = 16, n_threads: int = 0
) -> Iterator[FrameBlock]:
    """Frames first .. last-1 in order, in blocks of at most `block`, read and decoded on several threads."""
    last = reader.n_frames if last is None else last
    waiting: list[np.ndarray] = []
    start = first
    for frame in map_in_order(reader.read, range(first, last), n_threads):
        waiting.append(frame)
        if len(waiting) == block:
            yield FrameBlock(start, np.stack(waiting))
            start += len(waiting)
            waiting = []
    if waiting:
        yield FrameBlock(start, np.stack(waiting))
