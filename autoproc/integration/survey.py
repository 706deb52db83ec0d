"""A first look at the images: the shapes of the strong spots and the background between them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import BeamLevel, sampled_pixels
from autoproc.kernels.integrate_survey import BackgroundSum, Rings, survey_frame
from autoproc.threads import map_in_order

MAX_SURVEYED = 400
"""Frames looked at in a long sweep, in evenly spread wedges: enough for a mean background with a few per cent of noise
over ten pixels even at 0.1 photons a pixel."""
MIN_SURVEYED = 120
"""Frames looked at even where the background is strong: for the shapes of spots, and so that a pixel which is bright on
a third of them is so often enough to be called hot."""
ENOUGH_PHOTONS = 25.0
"""Of background, on a pixel of all the frames together: an area of 3 x 3 pixels then shows a shadow of 0.6 of the
background by 6 standard deviations, and darker ones are seen on single pixels. Beside the truth of five simulated
sweeps (0.13 photons in one) intensities are as good as with 400 frames: CC within 0.000004, chi^2 within 0.06."""
WEDGE = 20
"""Consecutive frames, on which spots that last for long are seen whole."""
FRAMES_A_TASK = 8
PIXELS_A_TASK = 1 << 26
"""Frames of which a thread holds so many pixels are added to the background together, and share its limits: 8 of 4.5
million pixels, 3 of 18. With one of these at a time, and wider blocks of rotation, 400 images took 80 s to integrate;
64 s so (simulated)."""


@dataclass(frozen=True, slots=True, eq=False)
class SpotPlaces:
    """Where N strong spots were seen: xy (N, 2) centroid, px; bbox (N, 6)."""

    xy: np.ndarray
    bbox: np.ndarray

    def __len__(self) -> int:
        return len(self.bbox)

    @property
    def radius(self) -> np.ndarray:
        """(N,) px, a disc about the centroid that holds the whole spot."""
        return 0.5 * np.maximum(self.bbox[:, 1] - self.bbox[:, 0], self.bbox[:, 3] - self.bbox[:, 2]) + 1.0

    @property
    def depth(self) -> np.ndarray:
        """(N,) frames of the boxes."""
        return self.bbox[:, 5] - self.bbox[:, 4]


@dataclass(frozen=True, slots=True, eq=False)
class StrongSpots:
    """Strong spots with what was predicted for them, N rows.

    places : where they were seen
    experiment : (N,) lattice, -1 for spots that no lattice explains
    frame : (N,) predicted array index; zeta : (N,); transform : (N, 2, 2) radians per px
    lever : (N,) what mosaic spread is multiplied by to give the spot's spread along e1
    """

    places: SpotPlaces
    experiment: np.ndarray
    frame: np.ndarray
    zeta: np.ndarray
    transform: np.ndarray
    lever: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def is_isolated(self) -> np.ndarray:
        """(N,) bool: no other strong spot within reach of the disc, on the frames of the box and one more each way."""
        reach = 2 * float(np.median(self.places.radius)) if len(self) else 1.0
        depth = float(np.median(self.places.depth)) + 1 if len(self) else 1.0
        points = np.column_stack([self.places.xy, self.frame * (reach / depth)])
        pairs = scipy.spatial.cKDTree(points).query_pairs(reach, p=np.inf, output_type="ndarray")
        isolated = np.ones(len(self), bool)
        isolated[pairs.ravel()] = False
        return isolated


@dataclass(frozen=True, slots=True, eq=False)
class SpotSums:
    """What the frames show of N spots, whatever lattice they are of: M rows of a spot on a frame.

    spot : (M,) int32 row of SpotPlaces; frame : (M,) int32; flux : (M,) photons
    is_good : (N,) bool, none of the spot's pixels is bad on any frame
    moments : (N, 3) sums over the spot's frames of flux x^2, x y and y^2 about its centroid, px^2
    """

    spot: np.ndarray
    frame: np.ndarray
    flux: np.ndarray
    is_good: np.ndarray
    moments: np.ndarray

    @staticmethod
    def of_frames(n_spots: int, spot: np.ndarray, frame: np.ndarray, out: np.ndarray) -> SpotSums:
        """From the rows (M, 5) that survey_frame gives of each frame, one below the other."""
        bad = np.bincount(spot, out[:, 1] == 0, minlength=n_spots) > 0
        moments = np.column_stack([np.bincount(spot, out[:, n], minlength=n_spots) for n in (2, 3, 4)])
        return SpotSums(spot.astype(np.int32), frame.astype(np.int32), out[:, 0].copy(), ~bad, moments)

    def spreads(self, transform: np.ndarray) -> np.ndarray:
        """(N, 2) flux-weighted sums of eps1^2 and eps2^2; transform : (N, 2, 2) from px to (eps1, eps2)."""
        xx, xy, yy = self.moments.T[:, :, None]
        along_x, along_y = transform[:, :, 0], transform[:, :, 1]
        return along_x**2 * xx + 2 * along_x * along_y * xy + along_y**2 * yy


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Sums over the spots and over the background; levels : of each frame looked at, counts per pixel."""

    spots: SpotSums
    background: BackgroundSum
    levels: dict[int, float]


def surveyed_frames(n_images: int, photons: float = 0.0) -> list[range]:
    """Runs of consecutive frames to look at: all of them, or wedges spread over a long sweep.

    photons : of the background on a pixel of a usual frame, by which it is known how many frames tell enough
    """
    needed = ENOUGH_PHOTONS / photons if photons > 0 else np.inf
    n_wedges = int(np.ceil(np.clip(needed, MIN_SURVEYED, MAX_SURVEYED) / WEDGE))
    if n_images <= n_wedges * WEDGE:
        return [range(n_images)]
    starts = np.linspace(0, n_images - WEDGE, n_wedges).astype(int)
    return [range(s, s + WEDGE) for s in starts]


def survey_tasks(runs: Sequence[range], n_pixels: int) -> list[range]:
    """Frames that are looked at together, of images of so many pixels."""
    n_frames = max(1, min(FRAMES_A_TASK, PIXELS_A_TASK // n_pixels))
    return [run[i : i + n_frames] for run in runs for i in range(0, len(run), n_frames)]


class RowsOnFrame(NamedTuple):
    """The spots that one frame may show: their rows among all, (n, 2) centroids, px, and (n,) radii, px."""

    rows: np.ndarray
    xy: np.ndarray
    radius: np.ndarray


def spots_on(spots: SpotPlaces, task: range) -> list[RowsOnFrame]:
    """Of each frame of a task, the spots within one frame of it."""
    radius, found = spots.radius, []
    for frame in task:
        rows = np.flatnonzero((spots.bbox[:, 4] - 1 <= frame) & (frame <= spots.bbox[:, 5]))
        found.append(RowsOnFrame(rows, spots.xy[rows], radius[rows]))
    return found


class FrameSeen(NamedTuple):
    """What one frame shows: (n, 5) of each spot on it, as survey_frame has it, and the pixels that tell its level."""

    out: np.ndarray
    sample: np.ndarray


class Surveyor:
    """Looks at frames, some on each thread, and adds up the background between their spots.

    trusted : (slow, fast) uint8; ring : (slow, fast) int32, pixels of like scattering angle
    trust : counts below the first are none, from the second on overloads
    gain : variance of counts over their mean; noise : what the readout adds to it, counts^2
    """

    def __init__(
        self, trusted: np.ndarray, ring: np.ndarray, trust: tuple[int, float], gain: float = 1.0, noise: float = 0.0
    ) -> None:
        self._trusted, self._gain, self._noise = trusted, gain, noise
        self._min_trusted, self._max_trusted = trust
        self._rings = Rings(ring, trusted, int(ring.max()) + 1)
        self._sampled = sampled_pixels(trusted)
        self._own = threading.local()
        self._sums: list[BackgroundSum] = []

    def look(self, images: Sequence[np.ndarray], spots: Sequence[RowsOnFrame]) -> list[FrameSeen]:
        """Look at frames that follow each other."""
        own = self._own
        if not hasattr(own, "scratch"):
            own.scratch = np.zeros(self._trusted.shape, np.uint8)
            own.cap = np.empty(self._trusted.shape, np.int32)
            own.background = BackgroundSum.of_shape(self._trusted.shape)
            self._sums.append(own.background)
        seen, all_covered = [], []
        limits = self._rings.limits(images[0], self._min_trusted, self._gain, self._noise)
        cap = self._rings.caps(limits, own.cap)
        for image, on_frame in zip(images, spots, strict=True):
            out, covered = survey_frame(
                image, self._trusted, self._max_trusted, on_frame.xy, on_frame.radius, self._min_trusted, self._gain,
                self._noise, own.scratch,
            )  # fmt: skip
            all_covered.append(covered)
            seen.append(FrameSeen(out, image.take(self._sampled)))
        own.background.add(images, self._trusted, all_covered, cap, self._min_trusted)
        return seen

    def background(self) -> BackgroundSum:
        """The sums of all threads, which are let go: of whole numbers, so that their order makes no difference."""
        whole = self._sums.pop() if self._sums else BackgroundSum.of_shape(self._trusted.shape)
        while self._sums:
            whole.include(self._sums.pop())
        self._own = threading.local()
        return whole


def survey(
    reader: ImageReader,
    trusted: np.ndarray,
    ring: np.ndarray,
    spots: SpotPlaces,
    level: BeamLevel,
    runs: Sequence[range],
    n_threads: int,
    gain: float = 1.0,
    noise: float = 0.0,
) -> Survey:
    """Look at strong spots, one frame more than their boxes each way, and at the background.

    trusted : (slow, fast) uint8; ring : (slow, fast) int32, pixels of like scattering angle
    runs : of frames that are looked at
    gain : variance of counts over their mean; noise : what the readout adds to it, counts^2
    """
    surveyor = Surveyor(trusted, ring, (reader.min_trusted, reader.max_trusted), gain, noise)
    tasks = survey_tasks(runs, trusted.size)

    def look(task: range) -> tuple[list[RowsOnFrame], list[FrameSeen]]:
        on_frames = spots_on(spots, task)
        return on_frames, surveyor.look([reader.read(frame) for frame in task], on_frames)

    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    levels: dict[int, float] = {}
    for task, (on_frames, seen) in zip(tasks, map_in_order(look, tasks, n_threads), strict=True):
        for frame, on_frame, one in zip(task, on_frames, seen, strict=True):
            rows.append((on_frame.rows, np.full(len(on_frame.rows), frame), one.out))
            levels[frame] = level.of_sample(one.sample)
    spot, of_frame, out = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Survey(SpotSums.of_frames(len(spots), spot, of_frame, out), surveyor.background(), levels)
