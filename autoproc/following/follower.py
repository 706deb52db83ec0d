"""Searches the images of a sweep as they come, so that their spots are known when the last one is there.

At some angles of rotation the crystal is probed, by a thread of its own: what is found meanwhile does not wait for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.config import Config
from autoproc.decisions.probe import ProbeReport
from autoproc.errors import UNREADABLE
from autoproc.following.coming import Coming, ImagesThere
from autoproc.formats.images.frames import StoredImages
from autoproc.geometry.detector import pixel_resolution
from autoproc.spot_finding.early import EarlySearch
from autoproc.spot_finding.image_facts import ImageFacts, image_facts
from autoproc.spot_finding.images import SearchedFrame
from autoproc.stages.find_spots import StrongPixelSearch, find_spots, search_of
from autoproc.stages.probe_sweep import ProbeParams, probe_sweep
from autoproc.threads import available_cores, map_in_order

AT_A_TIME = 8
"""Images for each thread between two looks at what has come: a second's work for 4 million pixels, so that spots of the
latest image are known within seconds. A judgement."""
LOOK = 1.0
"""Seconds between two looks at what has come while there is something to do."""
PROBED = (15.0, 30.0, 60.0, 120.0)
"""Degrees of rotation after which a crystal is probed: 15 give the lattices, 30 and 60 the cell of long axes and what
is left over. As beamlines do it."""
AGAIN = 0.3
"""Seconds until an image that could not be read is tried again: it is being written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a follower is.

    facts : of images that were searched since the last telling; n_there : images that have come; n_waiting : of these,
    not searched yet; every : one in so many of those that waited was searched first
    """

    facts: Sequence[ImageFacts]
    n_there: int
    n_waiting: int
    every: int = 1


Tell = Callable[[Progress | ProbeReport], None]


class Follower:
    """Follows one sweep. early : what was found until now, for when the sweep is processed."""

    def __init__(self, path: str, config: Config, tell: Tell) -> None:
        self._coming = Coming(path, config.import_sweep)
        self._config, self._tell = config, tell
        self._probe_params = ProbeParams(config.index, config.refine, config.bravais_settings)
        self._n_threads = config.run.n_threads or available_cores()
        self.early = EarlySearch()
        self.there: ImagesThere | None = None
        self._frames: _Frames | None = None
        self._known: _Frames | None = None
        self._looked = 0.0
        self._facts: dict[int, ImageFacts] = {}
        self._probing: threading.Thread | None = None
        self._probed = 0.0
        self._trouble: list[Exception] = []
        self._again: dict[int, float] = {}

    def turn(self, is_over: Callable[[], bool]) -> bool:
        """Look once, and search some of what has come; returns whether there was anything to do.

        is_over : asked between images: nobody wants more. Raises AutoprocError, and what half a file may lead to.
        """
        if self._trouble:
            raise self._trouble.pop()
        there = self._look() if self._is_due() else None
        if self.there is None:
            return False
        if self._frames is None:
            self._frames = self._opened(self.there)
            if self._frames is None:
                return False
        waiting = self._waiting(self.there.numbers)
        chosen, every = first_of(waiting, AT_A_TIME * self._n_threads)
        facts = self._search(chosen, self._frames, is_over)
        if there is not None or facts:
            self._tell(Progress(facts, len(self.there.numbers), len(waiting) - len(facts), every))
        self._probe(self.there, self._frames)
        return bool(facts)

    def _is_due(self) -> bool:
        """Nothing is left to be searched, or what has come since is to be known."""
        is_idle = self.there is None or not self._waiting(self.there.numbers)
        return is_idle or time.monotonic() - self._looked >= LOOK

    def _look(self) -> ImagesThere | None:
        """What has come. HDF5 files are let go before: who has them open sees them as they were."""
        if self._frames is not None:
            self._frames.reader.close()
            self._known, self._frames = self._frames, None
        there = self._coming.look()
        self._looked = time.monotonic()
        self.there = there or self.there
        return there

    def _opened(self, there: ImagesThere) -> _Frames | None:
        try:
            frames = _Frames.of(there, self._config, self._known)
        except UNREADABLE:  # the first image is being written
            return None
        if self.early.begin(frames.key):
            self._facts.clear()
        return frames

    def _waiting(self, numbers: np.ndarray) -> list[int]:
        now = time.monotonic()
        return [n for n in map(int, numbers) if n not in self._facts and self._again.get(n, 0.0) <= now]

    def _search(self, numbers: Sequence[int], frames: _Frames, is_over: Callable[[], bool]) -> list[ImageFacts]:
        facts = []
        for number, found in zip(numbers, map_in_order(frames.look_at, numbers, self._n_threads, 0), strict=False):
            if found is None:
                self._again[number] = time.monotonic() + AGAIN
            else:
                stamp, searched, told = found
                self.early.keep(number, stamp, searched)
                self._facts[number] = told
                facts.append(told)
            if is_over():
                break
        return facts

    def _probe(self, there: ImagesThere, frames: _Frames) -> None:
        """Probe the crystal if enough of its rotation was searched without a gap, unless one probe is under way."""
        scan = there.experiment.scan
        n = next(n for n in range(len(self._facts) + 1) if scan.image_range[0] + n not in self._facts)
        rotation = n * abs(scan.oscillation[1])
        due = [angle for angle in PROBED if self._probed < angle <= rotation]
        if not due or (self._probing is not None and self._probing.is_alive()):
            return
        self._probed = due[-1]
        numbers = range(scan.image_range[0], scan.image_range[0] + n)
        facts, known = [self._facts[number] for number in numbers], self.early.frames(numbers[0])
        part = replace(
            there.experiment,
            scan=replace(scan, image_range=(numbers[0], numbers[-1]), exposure_times=None, epochs=None),
        )
        params, mask = self._config.find_spots, frames.reader.mask

        def probe() -> None:
            try:
                found = find_spots(part, frames.reader, mask, params, 1, range(n), lambda key: known.get)
                self._tell(probe_sweep(part, found, facts, there.planned, self._probe_params))
            except Exception as error:  # the edge of a thread: raised by the next turn
                self._trouble.append(error)

        self._probing = threading.Thread(target=probe, daemon=True)
        self._probing.start()


def first_of(waiting: Sequence[int], most: int) -> tuple[list[int], int]:
    """The images that are searched first where there are more than so many, and one in how many the latter half are.

    Half of them are the first ones, that a probe needs without a gap, and half from all that have come, with the last.
    """
    if len(waiting) <= most:
        return list(waiting), 1
    first, rest = waiting[: most - most // 2], waiting[most - most // 2 :]
    every = -(-len(rest) // max(1, most // 2))
    return [*first, *rest[::-every][::-1]], every


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """The images that are there, and the search on them; d : (slow, fast) resolution of every pixel, Angstrom."""

    reader: StoredImages
    search: StrongPixelSearch
    key: Hashable
    first: int
    d: np.ndarray
    sizes: tuple[int, int]

    @classmethod
    def of(cls, there: ImagesThere, config: Config, before: _Frames | None) -> _Frames:
        """Raises what a reader raises."""
        reader, params = there.reader(), config.find_spots
        search = search_of(there.experiment, reader, reader.mask, params)
        panel, key = there.experiment.detector[0], search.key()
        is_same = before is not None and before.key == key
        d = before.d if before is not None and is_same else pixel_resolution(panel, there.experiment.beam)
        first = there.experiment.scan.image_range[0]
        return cls(reader, search, key, first, d, (params.min_spot_size, params.max_spot_size))

    def look_at(self, number: int) -> tuple[Hashable, SearchedFrame, ImageFacts] | None:
        """An image's stamp, strong pixels and facts; None for one that is not written to its end."""
        frame = number - self.first
        try:
            stamp = self.reader.stamp(frame)
            image = self.reader.read(frame)
            if stamp is None or self.reader.stamp(frame) != stamp:
                return None
        except UNREADABLE:
            return None
        found = self.search.on(frame, image)
        facts = image_facts(number, found.strong, image, self.search.mask, self.d, self.sizes)
        return stamp, found, facts
