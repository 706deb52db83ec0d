"""What strong spots look like on a frame, and the background between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_survey
from autoproc.kernels import arguments as given

FARTHEST = 1 << 30
"""Pixels from the origin that a spot may lie, or reach: positions are held in 32 bits."""

MOST_RINGS = 1 << 24
"""Rings of pixels of like scattering angle; detectors have some 10^3."""


@dataclass(slots=True, eq=False)
class BackgroundSum:
    """Sums over frames of the pixels that no spot covers and that are not brighter than background.

    total : (slow, fast) float64 counts; number : (slow, fast) int32 frames
    n_bright : (slow, fast) int32, frames on which a pixel was too bright for background
    n_frames : frames added
    """

    total: np.ndarray
    number: np.ndarray
    n_bright: np.ndarray
    n_frames: int

    @staticmethod
    def of_shape(shape: tuple[int, int]) -> BackgroundSum:
        """Empty sums."""
        return BackgroundSum(np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.int32), 0)

    def add(
        self,
        image: np.ndarray,
        trusted: np.ndarray,
        covered: np.ndarray,
        ring: np.ndarray,
        limit: np.ndarray,
        min_trusted: float = 0.0,
    ) -> None:
        """Add a frame.

        trusted, covered : (slow, fast) uint8, the latter 1 where a spot lies
        ring : (slow, fast) int32; limit : counts of a ring above which a pixel is not background
        """
        given.require_arrays(self.total, self.number, self.n_bright)
        shape = self.total.shape
        if not shape == self.number.shape == self.n_bright.shape:
            raise ValueError("the sums are not of one shape")
        limit = given.floats(limit, (None,), "limit")
        _integrate_survey.add_background(
            given.counts(image, shape, "image"),
            given.flags(trusted, shape, "trusted"),
            given.flags(covered, shape, "covered"),
            _rings(ring, shape, len(limit)),
            given.number(min_trusted, "min_trusted"),
            limit,
            self.total,
            self.number,
            self.n_bright,
        )
        self.n_frames += 1

    def include(self, other: BackgroundSum) -> None:
        """Add the sums of other frames."""
        self.total += other.total
        self.number += other.number
        self.n_bright += other.n_bright
        self.n_frames += other.n_frames


def ring_limits(
    image: np.ndarray,
    trusted: np.ndarray,
    ring: np.ndarray,
    n_rings: int,
    min_trusted: float = 0.0,
    gain: float = 1.0,
    noise: float = 0.0,
) -> np.ndarray:
    """(n_rings,) counts above which a pixel of a ring is not background.

    Twice the mean m of the ring's background, for it may vary around the ring, and four standard
    deviations; m is the mean of what does not exceed the limit, found by iteration.
    gain : variance of counts over their mean; noise : what the readout adds to it, counts^2
    """
    n_rings = given.whole(n_rings, 0, MOST_RINGS, "the number of rings")
    image = given.counts(image, (None, None), "image")
    trusted, ring = given.flags(trusted, image.shape, "trusted"), _rings(ring, image.shape, n_rings)
    gain, noise = given.positive(gain, "gain"), given.number(noise, "noise", 0.0)
    min_trusted, limit = given.number(min_trusted, "min_trusted"), np.full(n_rings, np.inf)
    for _ in range(8):
        total, number = np.zeros(n_rings), np.zeros(n_rings)
        _integrate_survey.ring_sums(image, trusted, ring, min_trusted, limit, total, number)
        high = np.maximum(2 * total / np.maximum(number, 1), 0)
        limit = high + 4 * np.sqrt(gain * high + noise) + 2 * gain
    return limit


def survey_frame(
    image: np.ndarray,
    trusted: np.ndarray,
    max_trusted: float,
    centre: np.ndarray,
    radius: np.ndarray,
    transform: np.ndarray,
    min_trusted: float = 0.0,
    gain: float = 1.0,
    noise: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Flux and shape of spots on one frame. Raises ValueError for shapes or values that cannot be.

    centre : (N, 2) px; radius : (N,) px, of the disc that holds the spot
    transform : (N, 2, 2) from px to (eps1, eps2)
    image : (slow, fast) int32; trusted : (slow, fast) uint8
    Returns (N, 4): flux above the ring around the disc, flux-weighted sum of eps1^2 + eps2^2, 1 where
    all pixels were good, and flux-weighted sum of eps1^2; and (slow, fast) uint8, 1 where a spot lies.
    """
    image = given.counts(image, (None, None), "image")
    trusted = given.flags(trusted, image.shape, "trusted")
    centre = given.floats(centre, (None, 2), "centre")
    n = len(centre)
    radius, transform = given.floats(radius, (n,), "radius"), given.floats(transform, (n, 2, 2), "transform")
    if n and not (np.abs(centre).max() <= FARTHEST and 0 <= radius.min() <= radius.max() <= FARTHEST):
        raise ValueError(f"a spot's centre is not finite or farther than {FARTHEST} px, or its radius not 0 to that")
    out, covered = np.zeros((n, 4)), np.zeros(image.shape, np.uint8)
    _integrate_survey.survey_frame(
        image, trusted, given.number(min_trusted, "min_trusted"), given.number(max_trusted, "max_trusted"),
        given.positive(gain, "gain"), given.number(noise, "noise", 0.0), centre, radius, transform, out, covered,
    )  # fmt: skip
    return out, covered


def _rings(ring: np.ndarray, shape: tuple[int, ...], n_rings: int) -> np.ndarray:
    """The ring of each pixel, as int32. Raises ValueError."""
    ring = given.counts(ring, shape, "ring")
    if ring.size and not 0 <= ring.min() <= ring.max() < n_rings:
        raise ValueError(f"rings {ring.min()} to {ring.max()} of {n_rings}")
    return ring
