"""Spots gathered from the strong pixels of one frame after the other: of all frames, or of those that have come."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from autoproc.models.experiment import Scan
from autoproc.spot_finding.images import SearchedFrame, SearchedImages
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.spot_finding.pixels import SpotPixels, SpotStream

BLOCK = 64
"""Frames whose pixels are held until they are made the spots that have ended; the spots do not depend on it."""


class Gathering:
    """Takes in frames in order, and knows the spots on them.

    shape : (slow, fast) of an image; scan : whose first image the first frame is, and its rotation
    milestones : numbers of frames of which it is to be known which pixels were hot on them
    images : a record of the frames; params : of the search
    """

    def __init__(
        self, shape: tuple[int, int], scan: Scan, params: FindSpotsParams, milestones: Collection[int] = ()
    ) -> None:
        self.images = SearchedImages(shape)
        self._shape, self._scan, self.params = shape, scan, params
        self._milestones = frozenset(milestones)
        self._hot: dict[int, np.ndarray] = {}
        self._stream = SpotStream(shape[1])
        self._kept: list[SpotPixels] = []
        self._counts = {"extracted": 0, "too_small": 0, "too_large": 0}

    @property
    def n_frames(self) -> int:
        """Taken in."""
        return len(self.images.frames)

    def fits(self, scan: Scan, params: FindSpotsParams, milestones: Collection[int]) -> bool:
        """It is what would be gathered so."""
        same_frames = self._scan.image_range[0] == scan.image_range[0] and self._scan.oscillation == scan.oscillation
        return same_frames and self.params == params and self._milestones.issuperset(milestones)

    def copy(self) -> Gathering:
        """The same, to be gone on with apart from this."""
        other = Gathering(self._shape, self._scan, self.params, self._milestones)
        other.images, other._stream = self.images.copy(), self._stream.copy()
        other._hot, other._kept, other._counts = dict(self._hot), list(self._kept), dict(self._counts)
        return other

    def add(self, found: SearchedFrame) -> None:
        """The next frame."""
        self.images.add(found)
        self._stream.add(found.frame, found.strong)
        if found.frame + 1 in self._milestones:
            self._hot[found.frame + 1] = np.flatnonzero(self.hot_pixels())
        if self.n_frames % BLOCK == 0:
            self._keep(self._stream.ended(), self._kept, self._counts)

    def hot_pixels(self) -> np.ndarray:
        """(slow, fast) bool, on the frames until now."""
        return self.images.hot_pixels(self._scan, self.params.hot_pixel_fraction)

    def hot_at(self, milestones: Collection[int]) -> Mapping[int, np.ndarray]:
        """By number of frames, the pixels that were hot on these, slow * width + fast; of those that were reached."""
        return {n: pixels for n, pixels in self._hot.items() if n in milestones}

    def spots(self) -> tuple[SpotPixels, dict[str, int]]:
        """Those of an acceptable size, in order of their first pixels, and how many there were and were not.

        Spots that go on on the last frame are as they are now.
        """
        kept, counts = list(self._kept), dict(self._counts)
        if self.n_frames:
            self._keep(self._stream.as_it_is(), kept, counts)
        return SpotPixels.in_order(kept), counts

    def _keep(self, spots: SpotPixels, kept: list[SpotPixels], counts: dict[str, int]) -> None:
        small, large = spots.size < self.params.min_spot_size, spots.size > self.params.max_spot_size
        counts["extracted"] += len(spots)
        counts["too_small"] += int(np.sum(small))
        counts["too_large"] += int(np.sum(large))
        kept.append(spots[~small & ~large])
