"""What strong spots look like on a frame, and the background between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_survey

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
        if image.shape != self.total.shape:
            raise ValueError(f"image {image.shape} must have shape {self.total.shape}")
        _check_alike(image, trusted, covered, ring)
        _check_rings(ring, len(limit))
        _integrate_survey.add_background(
            np.ascontiguousarray(image, np.int32),
            trusted,
            covered,
            ring,
            min_trusted,
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
    _check_alike(image, trusted, ring)
    _check_rings(ring, n_rings)
    image, limit = np.ascontiguousarray(image, np.int32), np.full(n_rings, np.inf)
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
    n = len(centre)
    if centre.shape != (n, 2) or radius.shape != (n,) or transform.shape != (n, 2, 2):
        raise ValueError(f"centre {centre.shape}, radius {radius.shape} and transform {transform.shape} do not agree")
    _check_alike(image, trusted)
    if n and not (np.abs(centre).max() <= FARTHEST and 0 <= radius.min() <= radius.max() <= FARTHEST):
        raise ValueError(f"a spot's centre is not finite or farther than {FARTHEST} px, or its radius not 0 to that")
    out, covered = np.zeros((n, 4)), np.zeros(image.shape, np.uint8)
    _integrate_survey.survey_frame(
        np.ascontiguousarray(image, np.int32), trusted, min_trusted, max_trusted, gain, noise,
        np.ascontiguousarray(centre, float),
        np.ascontiguousarray(radius, float), np.ascontiguousarray(transform, float), out, covered,
    )  # fmt: skip
    return out, covered


def _check_alike(image: np.ndarray, *others: np.ndarray) -> None:
    if image.ndim != 2 or any(other.shape != image.shape for other in others):
        shapes = ", ".join(str(other.shape) for other in others)
        raise ValueError(f"image {image.shape} and what belongs to its pixels ({shapes}) must be 2-D and alike")


def _check_rings(ring: np.ndarray, n_rings: int) -> None:
    if not 0 <= n_rings <= MOST_RINGS:
        raise ValueError(f"{n_rings} rings, expected 0 to {MOST_RINGS}")
    if ring.size and not 0 <= ring.min() <= ring.max() < n_rings:
        raise ValueError(f"rings {ring.min()} to {ring.max()} of {n_rings}")
