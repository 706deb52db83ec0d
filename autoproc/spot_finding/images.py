"""What is kept of the images that were searched: how many strong pixels, and where they persist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from autoproc.kernels.dispersion import StrongPixels
from autoproc.models.experiment import Scan
from autoproc.models.reflections import Reflections

MIN_ROTATION = 10.0
"""Over this rotation, degrees, no reflection stays on one pixel for more than half of the images."""

MIN_IMAGES = 10
"""Fewest images that tell a hot pixel among spots."""

MIN_IMAGES_ALONE = 5
"""Fewest images that tell a pixel which is always strong while its neighbours are hardly ever."""

MAX_WITH_NEIGHBOUR = 0.25
"""On at most this fraction of the images a neighbour of such a pixel is strong, by chance."""


class SearchedImages:
    """A record of the frames as they go by.

    frames : numbers of the frames, 0-based; n_strong : strong pixels of each; refused : frames with
    too many of them; persistence : (slow, fast) on how many frames each pixel was strong
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.frames: list[int] = []
        self.n_strong: list[int] = []
        self.refused: list[int] = []
        self.persistence = np.zeros(shape, np.int32)

    def record(self, found: Iterable[tuple[int, StrongPixels]]) -> Iterator[tuple[int, StrongPixels]]:
        """Pass the frames on and take note of them."""
        for frame, strong in found:
            self.frames.append(frame)
            self.n_strong.append(strong.n_strong)
            if strong.n_strong > len(strong.index):
                self.refused.append(frame)
            self.persistence.ravel()[strong.index] += 1
            yield frame, strong

    @property
    def first(self) -> int:
        """The first frame."""
        return self.frames[0] if self.frames else 0

    def __len__(self) -> int:
        """From the first frame to the last."""
        return self.frames[-1] - self.first + 1 if self.frames else 0

    def hot_pixels(self, scan: Scan, fraction: float) -> np.ndarray:
        """(slow, fast) bool: pixels that are strong too often for a crystal that turns.

        Strong on more than `fraction` of the images of a wide rotation, or on all the images of a
        narrow one with no neighbour strong on more than a few: a spot is never as sharp.
        """
        n = len(self.frames) - len(self.refused)
        hot = np.zeros(self.persistence.shape, bool)
        if scan.is_still:
            return hot
        if n >= MIN_IMAGES and n * abs(scan.oscillation[1]) >= MIN_ROTATION:
            hot |= self.persistence > fraction * n
        if n >= MIN_IMAGES_ALONE:
            hot |= (self.persistence == n) & (_highest_neighbour(self.persistence) <= MAX_WITH_NEIGHBOUR * n)
        return hot

    def spots_per_image(self, spots: Reflections) -> np.ndarray:
        """(n,) spots whose centroid is on each image from the first to the last."""
        image = np.floor(spots["xyz_obs_px"][:, 2]).astype(np.intp) - self.first
        return np.bincount(image, minlength=len(self))

    def spots_reaching_image(self, spots: Reflections) -> np.ndarray:
        """(n,) spots with strong pixels on each image from the first to the last."""
        edges = np.zeros(len(self) + 1, np.intp)
        np.add.at(edges, spots["bbox"][:, 4] - self.first, 1)
        np.add.at(edges, spots["bbox"][:, 5] - self.first, -1)
        return np.cumsum(edges[:-1])


def _highest_neighbour(persistence: np.ndarray) -> np.ndarray:
    """The highest of the four neighbours of each pixel."""
    padded = np.pad(persistence, 1)
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return np.maximum.reduce(neighbours)
