"""Frames on which the beam was off, or partly so, told by their background.

The beam scatters from air, solvent and everything in its way whatever the crystal does, so that a frame with
beam has the background of its neighbours however weak its reflections are. On a frame without beam a reflection has
nothing to show, which would be measured as an intensity of 0 with next to no uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from autoproc.formats.images.frames import NO_COUNT, ImageReader
from autoproc.wording import number_ranges

SAMPLE = 100_000
"""Pixels of a frame, evenly spread, that its level is taken from."""
MIN_COUNTS = 400.0
"""Photons in the sample of a usual frame below which nothing is said: 5% is then the noise of their number."""
OFF_RATIO = 0.05
"""A frame with less than this part of the usual background had no beam: what is left is the detector's own noise."""
DIM_RATIO = 0.7
"""A frame with less than this part of its neighbours' background had no full beam: what absorbs and decays
changes less than that from one frame to the next."""
NEIGHBOURS = 10
"""Frames on either side that a frame is compared with."""
LISTED = 8


class BeamLevel:
    """Background of frames in counts per pixel, each pixel cut at a cap above which it is no background.

    gain : counts for a photon
    """

    def __init__(self, trusted: np.ndarray, min_trusted: int = 0, gain: float = 1.0, cap: float = np.inf) -> None:
        self._pixels = sampled_pixels(trusted)
        self.n_pixels = len(self._pixels)
        self._lowest, self.gain, self.cap = min_trusted, gain, cap

    @classmethod
    def with_cap_of(cls, first: np.ndarray, trusted: np.ndarray, min_trusted: int = 0, gain: float = 1.0) -> BeamLevel:
        """One whose cap is told by a frame that is likely to have beam; nothing else is taken from that."""
        level = cls(trusted, min_trusted, gain)
        for _ in range(8):
            mean = max(2 * level.of(first), 0.0)
            level.cap = mean + 4 * np.sqrt(gain * mean) + 2 * gain
        return level

    def of(self, image: np.ndarray) -> float:
        """Counts per pixel of a frame; NaN where none of its pixels is good."""
        return self.of_sample(image.take(self._pixels))

    def of_sample(self, values: np.ndarray) -> float:
        """The same from the counts of `sampled_pixels`."""
        if len(values) and values.min() < self._lowest:
            values = values[values >= self._lowest]
        if not len(values):
            return float("nan")
        bright = values[values > self.cap]
        excess = int(bright.sum(dtype=np.int64)) - self.cap * len(bright) if len(bright) else 0.0
        return float((int(values.sum(dtype=np.int64)) - excess) / len(values))


def sampled_pixels(trusted: np.ndarray) -> np.ndarray:
    """(n,) places, slow * width + fast, of the good pixels of (slow, fast) that tell a frame's level, whatever the cap.

    Every so many along both sides.
    """
    step = max(1, int(np.sqrt(trusted.size / SAMPLE)))
    chosen = np.zeros(trusted.shape, bool)
    chosen[::step, ::step] = True
    return np.flatnonzero(chosen & trusted.astype(bool))


class FramesWithBeam:
    """An ImageReader that gives untrusted pixels for frames that had no full beam.

    level : how it is taken; levels : of the frames looked at before, by frame; the others are judged when they are read
    without_beam, dimmed : frames left out, as far as they have been read
    """

    def __init__(self, reader: ImageReader, level: BeamLevel, levels: Mapping[int, float]) -> None:
        self._reader, self.level, self.levels = reader, level, levels
        self.n_frames, self.shape = reader.n_frames, reader.shape
        self.min_trusted, self.max_trusted = reader.min_trusted, reader.max_trusted
        frames = np.array(sorted(f for f in levels if np.isfinite(levels[f])), int)
        known = np.array([levels[f] for f in frames])
        self._usual = usual_level(known)
        self._can_tell = self._usual * level.n_pixels >= MIN_COUNTS * level.gain
        self._local = _local_levels(frames, known, OFF_RATIO * self._usual, reader.n_frames, self._usual)
        self.without_beam: set[int] = set()
        self.dimmed: set[int] = set()
        self._judged = set(frames.tolist())
        for frame, value in zip(frames.tolist(), known, strict=True):
            self._judge(frame, float(value))

    @property
    def mask(self) -> np.ndarray:
        """(slow, fast) bool, where a pixel may be trusted."""
        return self._reader.mask

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._reader.path(frame)

    def read(self, frame: int) -> np.ndarray:
        """Counts of a frame, all -1 for one without full beam."""
        if frame in self.without_beam or frame in self.dimmed:
            return np.full(self.shape, NO_COUNT, np.int32)
        image = self._reader.read(frame)
        if frame in self._judged or not self._can_tell:
            return image
        self._judge(frame, self.level.of(image))
        self._judged.add(frame)
        return self.read(frame) if frame in self.without_beam or frame in self.dimmed else image

    def include(self, without_beam: Iterable[int], dimmed: Iterable[int]) -> None:
        """Frames that were left out before: what was measured without them stays so."""
        self.without_beam.update(without_beam)
        self.dimmed.update(set(dimmed) - self.without_beam)

    def _judge(self, frame: int, level: float) -> None:
        if not self._can_tell or not np.isfinite(level):
            return
        if level < OFF_RATIO * self._usual:
            self.without_beam.add(frame)
        elif level < DIM_RATIO * self._local[frame]:
            self.dimmed.add(frame)

    def warning(self, first_image: int) -> str:
        """What was left out, in plain words; first_image is the number of frame 0 in the file names."""
        parts = []
        for frames, what in (
            (self.without_beam, "had no beam, for their background is next to nothing"),
            (self.dimmed, "had not the full beam, for their background is far below their neighbours'"),
        ):
            if frames:
                named = number_ranges([frame + first_image for frame in sorted(frames)], LISTED)
                parts.append(f"{len(frames)} of {self.n_frames} images {what}: {named}")
        left_out = "they, and the reflections that mostly fall on them, were left out; was the shutter open?"
        return "; ".join([*parts, left_out]) if parts else ""


def usual_level(levels: np.ndarray) -> float:
    """The median of the upper half, so that many frames without beam do not hide each other; 0 of none."""
    return float(np.median(np.sort(levels)[len(levels) // 2 :])) if len(levels) else 0.0


def _local_levels(frames: np.ndarray, levels: np.ndarray, off: float, n_frames: int, usual: float) -> np.ndarray:
    """(n_frames,) the median of the levels above `off` around each frame, known at some frames only."""
    lit = levels > off
    frames, levels = frames[lit], levels[lit]
    if not len(frames):
        return np.full(n_frames, usual)
    rank = np.searchsorted(frames, np.arange(n_frames))
    return np.array([_median_about(levels, int(r)) for r in rank])


def _median_about(levels: Sequence[float] | np.ndarray, rank: int) -> float:
    """Of as many as there are up to NEIGHBOURS on either side, an equal number if possible."""
    return float(np.median(levels[max(0, rank - NEIGHBOURS) : rank + NEIGHBOURS + 1]))
