"""The images of a sweep that are there, one by one: what each shows, or that it is to be looked at later."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autoproc.config import Config
from autoproc.errors import UNREADABLE
from autoproc.following.coming import ImagesThere
from autoproc.formats.images.frames import StoredImages
from autoproc.formats.images.stamps import Stamp
from autoproc.geometry.detector import pixel_resolution
from autoproc.models.image_facts import ImageFacts
from autoproc.spot_finding.image_facts import image_facts
from autoproc.spot_finding.images import SearchedFrame
from autoproc.stages.find_spots import StrongPixelSearch, search_of

AGAIN = 0.3
"""Seconds until an image that could not be read is tried again: it is being written."""
SELDOM = 10.0
"""Seconds at most, where it cannot be read time and again."""


@dataclass(frozen=True, slots=True, eq=False)
class FramesThere:
    """The images that are there, and the search on them; d : (slow, fast) resolution of every pixel, Angstrom."""

    reader: StoredImages
    search: StrongPixelSearch
    key: Hashable
    first: int
    d: np.ndarray
    sizes: tuple[int, int]

    @classmethod
    def of(cls, there: ImagesThere, config: Config, before: FramesThere | None) -> FramesThere:
        """Raises what a reader raises."""
        reader, params = there.reader(), config.find_spots
        search = search_of(there.experiment, reader, reader.mask, params)
        panel, key = there.experiment.detector[0], search.key()
        is_same = before is not None and before.key == key
        d = before.d if before is not None and is_same else pixel_resolution(panel, there.experiment.beam)
        first = there.experiment.scan.image_range[0]
        return cls(reader, search, key, first, d, (params.min_spot_size, params.max_spot_size))

    def look_at(self, number: int, before: Wait | None) -> SeenFrame | Wait:
        """What an image shows, unless it is not written to its end, or may be written again unseen."""
        frame = number - self.first
        stamp = None
        try:
            stamp = self.reader.stamp(frame)
            wait = Wait.on(stamp, before)
            if stamp is None or wait.has_stood < stamp.grain:
                return wait
            image = self.reader.read(frame)
            if self.reader.stamp(frame) != stamp:
                return wait
        except UNREADABLE:
            return Wait.on(stamp, before)
        found = self.search.on(frame, image)
        facts = image_facts(number, found.strong, image, self.search.mask, self.d, self.sizes)
        return SeenFrame(stamp, found, facts)


class SeenFrame(NamedTuple):
    """What an image shows, and its stamp before it was read and after."""

    stamp: Stamp
    searched: SearchedFrame
    facts: ImageFacts


class Wait(NamedTuple):
    """An image that is not searched yet: its stamp, since when, and until when it is left alone, by the clock."""

    stamp: Stamp | None
    since: float
    until: float

    @classmethod
    def on(cls, stamp: Stamp | None, before: Wait | None) -> Wait:
        """Half as long again as the same stamp has stood."""
        now = time.monotonic()
        since = before.since if before is not None and before.stamp == stamp else now
        return cls(stamp, since, now + min(max(AGAIN, (now - since) / 2), SELDOM))

    @property
    def has_stood(self) -> float:
        """Seconds."""
        return time.monotonic() - self.since
