"""Which spots were known when only the first images of a sweep were there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from autoproc.models.reflections import Reflections


@dataclass(frozen=True, slots=True, eq=False)
class SpotsByMilestone:
    """Spots, those on hot pixels too, and which pixels were known to be hot after so many images.

    reflections : N spots; peak : (N,) pixel of each one's peak, slow * width + fast
    hot : by number of images, the (K,) pixels that were hot on these
    """

    reflections: Reflections
    peak: np.ndarray
    hot: Mapping[int, np.ndarray]

    def __iter__(self) -> Iterator[tuple[int, Reflections]]:
        """Each number of images with the spots that have ended on them, as if no others had come."""
        for n_images in sorted(self.hot):
            yield n_images, self.until(n_images)

    def until(self, n_images: int) -> Reflections:
        """The spots that have ended on so many images; a spot has when the frame after it is there."""
        ended = self.reflections["bbox"][:, 5] < n_images
        return self.reflections[ended & ~np.isin(self.peak, self.hot[n_images])]
