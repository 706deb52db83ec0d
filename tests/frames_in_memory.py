"""Frames that tests make, behind the door of a reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np


class FramesInMemory:
    """An ImageReader of an array (n, slow, fast), of which frame `first` is the first."""

    min_trusted, max_trusted = 0, float("inf")

    def __init__(self, frames: np.ndarray, first: int = 0) -> None:
        self._frames, self._first = frames, first
        self.n_frames, self.shape = first + len(frames), (frames.shape[1], frames.shape[2])
        self.mask = np.ones(self.shape, bool)

    def read(self, frame: int) -> np.ndarray:
        return self._frames[frame - self._first].copy()

    def path(self, frame: int) -> Path:
        return Path(f"frame {frame}")
