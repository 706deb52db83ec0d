"""What strong spots look like on a frame, and the background between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_survey


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundSum:
    """Sums over frames of the pixels that no strong spot covers.

    total : (slow, fast) float64 counts; number : (slow, fast) int32 frames
    largest : (slow, fast) int32, the largest single count
    """

    total: np.ndarray
    number: np.ndarray
    largest: np.ndarray

    @staticmethod
    def of_shape(shape: tuple[int, int]) -> BackgroundSum:
        """Empty sums."""
        return BackgroundSum(np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.int32))

    def add(self, image: np.ndarray, trusted: np.ndarray, covered: np.ndarray) -> None:
        """Add a frame; covered : (slow, fast) uint8, 1 where a spot lies."""
        if image.shape != self.total.shape or trusted.shape != image.shape or covered.shape != image.shape:
            raise ValueError(f"image {image.shape} and masks must have shape {self.total.shape}")
        _integrate_survey.add_background(
            np.ascontiguousarray(image, np.int32), trusted, covered, self.total, self.number, self.largest
        )


def survey_frame(
    image: np.ndarray,
    trusted: np.ndarray,
    max_trusted: float,
    centre: np.ndarray,
    radius: np.ndarray,
    transform: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Flux and shape of spots on one frame.

    centre : (N, 2) px; radius : (N,) px, of the disc that holds the spot
    transform : (N, 2, 2) from px to (eps1, eps2)
    Returns (N, 3): flux above the ring around the disc, flux-weighted sum of eps1^2 + eps2^2, and 1
    where all pixels were good; and (slow, fast) uint8, 1 where a spot lies.
    """
    n = len(centre)
    if centre.shape != (n, 2) or radius.shape != (n,) or transform.shape != (n, 2, 2):
        raise ValueError(f"centre {centre.shape}, radius {radius.shape} and transform {transform.shape} do not agree")
    out, covered = np.zeros((n, 3)), np.zeros(image.shape, np.uint8)
    _integrate_survey.survey_frame(
        np.ascontiguousarray(image, np.int32), trusted, max_trusted, np.ascontiguousarray(centre, float),
        np.ascontiguousarray(radius, float), np.ascontiguousarray(transform, float), out, covered,
    )  # fmt: skip
    return out, covered
