"""What strong spots look like on a frame, and the background between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_survey
from autoproc.kernels import arguments as given

FARTHEST = 1 << 30
"""Pixels from the origin that a spot may lie, or reach: positions are held in 32 bits."""

MOST_RINGS = 1 << 24
"""Rings of pixels of like scattering angle; detectors have some 10^3."""

MOST_OF_RING = 1000
"""Pixels that tell the background of a ring: its mean is known to 10% at 0.1 photons a pixel, where the limit above
which a pixel is no background is twice that and more."""

MOST_FRAMES = 64
"""Frames that are added at a time."""

MOST_ADDED = 1023
"""Frames whose sums are held together: so many times MOST_BACKGROUND are within 32 bits."""

NOTHING, MOST_COUNTS = int(np.iinfo(np.int32).min), int(np.iinfo(np.int32).max)
MOST_BACKGROUND = MOST_COUNTS // MOST_ADDED
"""Counts of a pixel on a frame, either side of 0, above which none is taken for background."""


@dataclass(slots=True, eq=False)
class BackgroundSum:
    """Sums over frames of the pixels that no spot covers and that are not brighter than background.

    total : (slow, fast) int32 counts; number : (slow, fast) uint16 frames
    n_bright : (slow, fast) uint16, frames on which a pixel was too bright for background
    n_frames : frames added, at most MOST_ADDED
    """

    total: np.ndarray
    number: np.ndarray
    n_bright: np.ndarray
    n_frames: int

    @staticmethod
    def of_shape(shape: tuple[int, int]) -> BackgroundSum:
        """Empty sums."""
        total = np.full(shape, 0, np.int32)  # written at once, numpy has it in large pages, unlike np.zeros
        return BackgroundSum(total, np.full(shape, 0, np.uint16), np.full(shape, 0, np.uint16), 0)

    def add(
        self,
        images: Sequence[np.ndarray],
        trusted: np.ndarray,
        covered: Sequence[np.ndarray],
        cap: np.ndarray,
        min_trusted: float = 0.0,
    ) -> None:
        """Add frames that follow each other, at most MOST_FRAMES.

        images : (slow, fast) int16 or int32 each; trusted : (slow, fast) uint8
        covered : the pixels of each frame that a spot covers, slow * width + fast
        cap : (slow, fast) int32, counts above which a pixel is not background, MOST_BACKGROUND at most: see Rings.caps
        """
        given.require_arrays(self.total, self.number, self.n_bright)
        shape = self.total.shape
        if len(shape) != 2 or not shape == self.number.shape == self.n_bright.shape:
            raise ValueError("the sums are not of one shape")
        types = [array.dtype for array in (self.total, self.number, self.n_bright)]
        if types != [np.int32, np.uint16, np.uint16]:
            raise ValueError(f"the sums are of {types}")
        if self.n_frames + len(images) > MOST_ADDED:
            raise ValueError(f"{self.n_frames} frames and {len(images)} more, expected at most {MOST_ADDED}")
        if len(images) > MOST_FRAMES or len(covered) != len(images):
            raise ValueError(
                f"{len(images)} frames, {len(covered)} lists of pixels, expected as many, to {MOST_FRAMES}"
            )
        images = [given.pixels(image, shape, "image") for image in images]
        covered = [given.rows(pixels, self.total.size, "covered").astype(np.int32) for pixels in covered]
        trusted, cap = given.flags(trusted, shape, "trusted"), given.counts(cap, shape, "cap")
        if cap.max(initial=0) > MOST_BACKGROUND:
            cap = np.minimum(cap, np.int32(MOST_BACKGROUND))
        lowest = int(np.ceil(np.clip(given.number(min_trusted, "min_trusted"), -MOST_BACKGROUND, MOST_COUNTS)))
        for dtype in (np.int16, np.int32):
            some = [image for image in images if image.dtype == dtype]
            if some and self.total.size:
                _integrate_survey.add_frames(
                    some, some[0], trusted, cap, lowest, self.total, self.number, self.n_bright
                )
        for image, pixels in zip(images, covered, strict=True):
            _integrate_survey.take_away(image, pixels, trusted, cap, lowest, self.total, self.number)
        self.n_frames += len(images)

    def include(self, other: BackgroundSum) -> None:
        """Add the sums of other frames. Raises ValueError where these are too many to hold."""
        if self.n_frames + other.n_frames > MOST_ADDED:
            raise ValueError(f"{self.n_frames} and {other.n_frames} frames, expected at most {MOST_ADDED}")
        self.total += other.total
        self.number += other.number
        self.n_bright += other.n_bright
        self.n_frames += other.n_frames


class Rings:
    """Pixels of like scattering angle, of which at most MOST_OF_RING each tell its background.

    ring : (slow, fast) int32; trusted : (slow, fast) uint8
    """

    def __init__(self, ring: np.ndarray, trusted: np.ndarray, n_rings: int) -> None:
        self._n_rings = n_rings = given.whole(n_rings, 0, MOST_RINGS, "the number of rings")
        self.ring = ring = given.counts(ring, (None, None), "ring")
        if ring.size and not 0 <= ring.min() <= ring.max() < n_rings:
            raise ValueError(f"rings {ring.min()} to {ring.max()} of {n_rings}")
        trusted = given.flags(trusted, ring.shape, "trusted")
        pixels = np.flatnonzero(trusted)
        short = np.uint16 if n_rings <= 1 << 16 else np.int32  # 16 bits are sorted digit by digit, much faster
        pixels = pixels[np.argsort(ring.ravel()[pixels].astype(short), kind="stable")]
        size = np.bincount(ring.ravel()[pixels], minlength=n_rings)
        start = np.cumsum(size) - size
        step = np.maximum(-(-size // MOST_OF_RING), 1)
        chosen = (np.arange(len(pixels)) - np.repeat(start, size)) % np.repeat(step, size) == 0
        pixels = pixels[chosen]
        order = np.argsort(pixels, kind="stable")  # in which the image is read without leaps
        self._pixels, self._place = pixels[order].astype(np.int32), order.astype(np.int32)
        size = np.bincount(ring.ravel()[pixels], minlength=n_rings)
        self._start = np.concatenate([[0], np.cumsum(size)]).astype(np.intp)

    def limits(self, image: np.ndarray, min_trusted: float = 0.0, gain: float = 1.0, noise: float = 0.0) -> np.ndarray:
        """(n_rings,) counts above which a pixel of a ring is not background.

        Twice the mean m of the ring's background, for it may vary around the ring, and four standard
        deviations; m is the mean of what does not exceed the limit, found by iteration.
        gain : variance of counts over their mean; noise : what the readout adds to it, counts^2
        """
        gain, noise = given.positive(gain, "gain"), given.number(noise, "noise", 0.0)
        min_trusted = given.number(min_trusted, "min_trusted")
        image = given.pixels(image, self.ring.shape, "image")
        limit = np.empty(self._n_rings)
        _integrate_survey.ring_limits(
            image.ravel(),
            self._pixels,
            self._place,
            self._start,
            min_trusted,
            gain,
            noise,
            np.empty(len(self._pixels), np.int32),
            limit,
        )
        return limit

    def caps(self, limit: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(slow, fast) int32, the limit of each pixel's ring, as whole counts; in `out` where that is given."""
        limit = given.floats(limit, (self._n_rings,), "limit")
        if np.isnan(limit).any():
            raise ValueError("a limit is not a number")
        cap = np.empty(self.ring.shape, np.int32) if out is None else out
        given.require_arrays(cap)
        if cap.shape != self.ring.shape or cap.dtype != np.int32 or not cap.flags.c_contiguous:
            raise ValueError(f"out is {cap.dtype} {cap.shape}, expected a contiguous int32 {self.ring.shape}")
        whole = np.floor(limit).clip(NOTHING, MOST_COUNTS).astype(np.int32)
        _integrate_survey.spread_limits(self.ring, whole, cap)
        return cap


def survey_frame(
    image: np.ndarray,
    trusted: np.ndarray,
    max_trusted: float,
    centre: np.ndarray,
    radius: np.ndarray,
    min_trusted: float = 0.0,
    gain: float = 1.0,
    noise: float = 0.0,
    scratch: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Flux and shape of spots on one frame. Raises ValueError for shapes or values that cannot be.

    centre : (N, 2) px; radius : (N,) px, of the disc that holds the spot
    image : (slow, fast) int16 or int32; trusted : (slow, fast) uint8
    scratch : (slow, fast) uint8 zeros to work in, which are so again afterwards
    Returns (N, 5): flux above the ring around the disc, 1 where all pixels were good, and the flux-weighted sums of
    x^2, x y and y^2, with x (fast) and y (slow) from the centre, px; and the pixels where a spot lies,
    slow * width + fast.
    """
    image = given.pixels(image, (None, None), "image")
    trusted = given.flags(trusted, image.shape, "trusted")
    scratch = np.zeros(image.shape, np.uint8) if scratch is None else given.flags(scratch, image.shape, "scratch")
    centre = given.floats(centre, (None, 2), "centre")
    n = len(centre)
    radius = given.floats(radius, (n,), "radius")
    if n and not (np.abs(centre).max() <= FARTHEST and 0 <= radius.min() <= radius.max() <= FARTHEST):
        raise ValueError(f"a spot's centre is not finite or farther than {FARTHEST} px, or its radius not 0 to that")
    out = np.zeros((n, 5))
    covered = np.empty(int(min(np.sum((2 * radius + 5.0) ** 2), image.size)), np.int32)
    rows, columns = (int(min(2 * radius.max(initial=0) + 9.0, size)) for size in image.shape)
    around = np.empty((2, rows * (columns + 4)))
    n_covered = _integrate_survey.survey_frame(
        image, trusted, given.number(min_trusted, "min_trusted"), given.number(max_trusted, "max_trusted"),
        given.positive(gain, "gain"), given.number(noise, "noise", 0.0), centre, radius, out, scratch, covered, around,
    )  # fmt: skip
    return out, covered[:n_covered]
