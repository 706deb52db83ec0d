"""What is kept of the images that were searched: how many strong pixels, where they persist, and how steadily."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autoproc.kernels.connected_spots import tally_pixels
from autoproc.kernels.dispersion import StrongPixels
from autoproc.models.experiment import Scan
from autoproc.models.reflections import Reflections

MIN_ROTATION = 10.0
"""Over this rotation, degrees, a pixel that is strong on most images sees one spot after the other, or is hot."""

MIN_IMAGES = 10
"""Fewest images that tell a hot pixel among spots."""

MIN_IMAGES_ALONE = 5
"""Fewest images that tell a pixel which is always strong while its neighbours are hardly ever."""

MAX_WITH_NEIGHBOUR = 0.25
"""On at most this fraction of the images a neighbour of such a pixel is strong, by chance."""

MAX_VARIATION = 0.25
"""Standard deviation over mean of the counts above background of a pixel that is always as strong. Where spots
follow each other, as those of a mosaic crystal do on some pixels, it is 0.6 or more; a spot beside the spindle
that takes 10 degrees to cross the sphere varies by 0.33 or more."""

SPARSE = 16
"""Every so many pixels tell that an image holds counts, without a look at all of them."""


class SearchedFrame(NamedTuple):
    """A frame's number, its strong pixels, and whether none of its pixels holds a count that may be trusted."""

    frame: int
    strong: StrongPixels
    is_unread: bool


def without_counts(frame: int) -> SearchedFrame:
    """Of a frame that is not there."""
    none = np.empty(0, np.int32)
    return SearchedFrame(frame, StrongPixels(0, none, none, np.empty(0, np.float32)), is_unread=True)


def has_no_count(image: np.ndarray, min_trusted: int) -> bool:
    """No pixel of an image holds a count."""
    return bool(image[::SPARSE, ::SPARSE].max() < min_trusted and image.max() < min_trusted)


class SearchedImages:
    """A record of the frames as they go by.

    frames : numbers of the frames, 0-based; n_strong : strong pixels of each; refused : frames with
    too many of them; unread : frames without a pixel that may be trusted, excluded or damaged ones
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.frames: list[int] = []
        self.n_strong: list[int] = []
        self.refused: list[int] = []
        self.unread: list[int] = []
        self._tally = np.full((*shape, 3), 0.0, np.float32)

    def copy(self) -> SearchedImages:
        """The same, to be gone on with apart from this."""
        other = SearchedImages(self._tally.shape[:2])
        other.frames, other.n_strong = list(self.frames), list(self.n_strong)
        other.refused, other.unread = list(self.refused), list(self.unread)
        other._tally = self._tally.copy()
        return other

    def add(self, found: SearchedFrame) -> None:
        """Take note of the next frame."""
        frame, strong, is_unread = found
        self.frames.append(frame)
        if is_unread:
            self.unread.append(frame)
        self.n_strong.append(strong.n_strong)
        if strong.n_strong > len(strong.index):
            self.refused.append(frame)
        tally_pixels(strong.index, strong.counts - strong.background, self._tally.reshape(-1, 3))

    @property
    def persistence(self) -> np.ndarray:
        """(slow, fast) int32, on how many frames each pixel was strong."""
        return self._tally[..., 0].astype(np.int32)

    @property
    def first(self) -> int:
        """The first frame."""
        return self.frames[0] if self.frames else 0

    def __len__(self) -> int:
        """From the first frame to the last."""
        return self.frames[-1] - self.first + 1 if self.frames else 0

    def hot_pixels(self, scan: Scan, fraction: float) -> np.ndarray:
        """(slow, fast) bool: pixels that are strong too often for a crystal that turns.

        Strong on more than `fraction` of the images of a wide rotation and always about as strong, or with
        no neighbour strong on more than a few; on all images of a narrow one, with no such neighbour: a
        spot is never as sharp, and spots that follow each other on a pixel never as alike.
        """
        n = len(self.frames) - len(self.refused) - len(self.unread)
        hot = np.zeros(self._tally.shape[:2], bool)
        if scan.is_still or n < MIN_IMAGES_ALONE:
            return hot
        is_wide = n >= MIN_IMAGES and n * abs(scan.oscillation[1]) >= MIN_ROTATION
        number = self._tally[..., 0]
        often = np.argwhere(number > fraction * n if is_wide else number == n)  # nearly always few
        is_alone = _highest_neighbour(number, often) <= MAX_WITH_NEIGHBOUR * n
        found = often[is_alone | self._is_steady(often)] if is_wide else often[is_alone]
        hot[found[:, 0], found[:, 1]] = True
        return hot

    def _is_steady(self, places: np.ndarray) -> np.ndarray:
        """(N,) bool: pixels (slow, fast) (N, 2) that, where strong, are always about as strong."""
        number, total, squares = self._tally[places[:, 0], places[:, 1]].T
        mean, mean_square = total / np.maximum(number, 1), squares / np.maximum(number, 1)
        return mean_square <= (1 + MAX_VARIATION**2) * mean**2

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


def _highest_neighbour(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N,) the highest of the four neighbours of pixels (slow, fast) (N, 2); 0 beyond the edges."""
    highest = np.zeros(len(places), values.dtype)
    for step in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        beside = places + step
        inside = ((beside >= 0) & (beside < values.shape)).all(axis=1)
        row, column = beside[inside].T
        highest[inside] = np.maximum(highest[inside], values[row, column])
    return highest
