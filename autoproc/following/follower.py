"""Searches the images of a sweep as they come, so that their spots are known when the last one is there.

At some angles of rotation the crystal is probed, by a thread of its own: what is found meanwhile does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.config import Config
from autoproc.decisions.probe import ProbeReport
from autoproc.decisions.provisional import ProvisionalReport
from autoproc.errors import UNREADABLE
from autoproc.following.arrival_pace import ArrivalPace
from autoproc.following.coming import Coming, ImagesThere
from autoproc.following.crystal_probing import CrystalProbing, ImagesSoFar
from autoproc.following.early_integration import EarlyIntegration
from autoproc.following.frames_there import FramesThere, SeenFrame, Wait
from autoproc.integration.milestones import milestones
from autoproc.models.image_facts import ImageFacts
from autoproc.spot_finding.early import EarlySearch
from autoproc.spot_finding.gathering import Gathering
from autoproc.stages.early_work import EarlyWork
from autoproc.threads import available_cores, map_in_order

AT_A_TIME = 8
"""Images for each thread between two looks at what has come: a second's work for 4 million pixels, so that spots of the
latest image are known within seconds. A judgement."""
LOOK = 0.5
"""Seconds between two looks at what has come, at least."""
MOST_IMAGES = 1_000_000
"""Of a sweep, among which its milestones are."""
SHARE = 10.0
"""Times as long as the last look took nothing is looked for: thousands of files are listed, masters are read and files
opened anew."""
LATEST = 2.0
"""Seconds after which there is a look all the same, if looks take half of all time at most: the first loads modules."""


@dataclass(frozen=True, slots=True)
class FollowerProgress:
    """How far a follower is.

    facts : of images that were searched since the last telling; n_there : images that have come; n_waiting : of these,
    not searched yet; every : one in so many of those that waited was searched first; n_planned : that are to come,
    None where nothing says so; width : degrees of one; n_integrated : first images until which it is integrated
    """

    facts: Sequence[ImageFacts]
    n_there: int
    n_waiting: int
    every: int = 1
    n_planned: int | None = None
    width: float = 0.0
    n_integrated: int = 0


Tell = Callable[[FollowerProgress | ProbeReport | ProvisionalReport], None]


class Follower:
    """Follows one sweep. early : what was found until now, for when the sweep is processed."""

    def __init__(self, path: str, config: Config, tell: Tell) -> None:
        self._coming = Coming(path, config.import_sweep)
        self._config, self._tell = config, tell
        self._n_threads = config.run.n_threads or available_cores()
        self.early = EarlySearch()
        self.there: ImagesThere | None = None
        self._frames: FramesThere | None = None
        self._known: FramesThere | None = None
        self._due = 0.0
        self._facts: dict[int, ImageFacts] = {}
        self._probing = CrystalProbing(config, tell)
        self._integration = EarlyIntegration(config, self._n_threads)
        self._gathering: Gathering | None = None
        self._waits: dict[int, Wait] = {}
        self._pace = ArrivalPace()

    def turn(self, is_over: Callable[[], bool]) -> bool:
        """Look once, and search some of what has come; returns whether there was anything to do.

        is_over : asked between images: nobody wants more. Raises AutoprocError, and what half a file may lead to.
        """
        self._probing.require_well()
        self._integration.require_well()
        began = time.monotonic()
        is_due = began >= self._due
        news = self._look(began) if is_due else None
        if self.there is None:
            return False
        if self._frames is None and (self._due_to_integrate(self.there) or self._waiting(self.there.numbers)):
            self._frames = self._opened(self.there)
            if is_due:
                self._pause(began)
        frames = self._frames or self._known
        if frames is None:
            return False
        waiting = self._waiting(self.there.numbers) if frames is self._frames else []
        chosen, every = first_searched(waiting, AT_A_TIME * self._n_threads)
        facts = self._search(chosen, frames, is_over)
        gathering = self._gather(self.there, frames)
        n_waiting = sum(int(number) not in self._facts for number in self.there.numbers)
        if news is not None or facts:
            there = self.there
            width = abs(there.experiment.scan.oscillation[1])
            n_integrated = self._integration.n_images
            self._tell(
                FollowerProgress(facts, len(there.numbers), n_waiting, every, there.planned, width, n_integrated)
            )
        falls_behind = n_waiting > 2 * AT_A_TIME * self._n_threads
        self._probing.look(self.there, ImagesSoFar(self.early, self._facts, gathering), falls_behind)
        due = self._due_to_integrate(self.there)
        if due is not None and frames is self._frames and not falls_behind:
            self._integration.begin(due, self.there, frames, gathering)
        return bool(facts)

    def close(self) -> None:
        """Let go of the files: whoever has HDF5 files open sees them as they were, in the whole process."""
        if self._frames is not None:
            self._frames.reader.close()
            self._known, self._frames = self._frames, None

    @property
    def seems_whole(self) -> bool:
        """As many images are there as were planned, or no more seem to come; none lacks and all were searched.

        Of files of one image each: whoever has an HDF5 file open sees it as it was.
        """
        there = self.there
        if there is None or not there.n_files or there.experiment.scan.n_images != len(there.numbers):
            return False
        if any(int(number) not in self._facts for number in there.numbers):
            return False
        if there.planned is not None:
            return there.n_files >= there.planned
        return self._pace.seems_over

    @property
    def why_none(self) -> str:
        """Why what has come is no sweep; "" where it is one, or that cannot be told yet."""
        return "" if self.there is not None else self._coming.why_none

    def has_more(self) -> bool:
        """Images have come, or gone, since the last look."""
        return self._coming.has_more()

    def is_unchanged(self) -> bool:
        """The images that are known are what they were when they were searched."""
        frames = self._frames or self._known
        if self.there is None or frames is None:
            return False
        try:
            return all(self.early.has(n, frames.reader.stamp(n - frames.first)) for n in map(int, self.there.numbers))
        except UNREADABLE:
            return False

    @property
    def work(self) -> EarlyWork:
        """What was done, for when the sweep is processed."""
        return EarlyWork(self.early, self._integration, self._gathering)

    def _due_to_integrate(self, there: ImagesThere) -> int | None:
        """The milestone until which the sweep is to be integrated now."""
        n_ready = 0 if self._gathering is None else self._gathering.n_frames
        return self._integration.due(there, n_ready)

    def _gather(self, there: ImagesThere, frames: FramesThere) -> Gathering:
        """The spots on the first images that were searched, none of them lost; begun anew for another sweep."""
        scan, params = there.experiment.scan, self._config.find_spots
        how = self._config.integrate.stretches
        reached = milestones(MOST_IMAGES, scan.oscillation[1], how, there.announced)
        if self._gathering is None or not self._gathering.fits(scan, params, reached):
            self._gathering = Gathering(frames.reader.shape, scan, params, reached)
            self._integration = EarlyIntegration(self._config, self._n_threads)
        gathering, first = self._gathering, scan.image_range[0]
        while (found := self.early.find(first + gathering.n_frames)) is not None:
            gathering.add(found._replace(frame=gathering.n_frames))
        return gathering

    def _look(self, began: float) -> ImagesThere | None:
        """What has come. HDF5 files are let go before: who has them open sees them as they were."""
        self.close()
        there = self._coming.look()
        now = self._pause(began)
        self.there = there or self.there
        self._pace.look(0 if self.there is None else len(self.there.numbers), now)
        return there

    def _pause(self, began: float) -> float:
        """Leave what has come alone for a while, longer if a look has taken long from then until now; returns now."""
        now = time.monotonic()
        self._due = now + pause_after(now - began)
        return now

    def _opened(self, there: ImagesThere) -> FramesThere | None:
        try:
            frames = FramesThere.of(there, self._config, self._known)
        except UNREADABLE:  # the first image is being written
            return None
        if self.early.begin(frames.key):
            self._gathering = None
            self._facts.clear()
            self._waits.clear()
        return frames

    def _waiting(self, numbers: np.ndarray) -> list[int]:
        now = time.monotonic()
        waits = self._waits
        return [n for n in map(int, numbers) if n not in self._facts and (n not in waits or waits[n].until <= now)]

    def _search(self, numbers: Sequence[int], frames: FramesThere, is_over: Callable[[], bool]) -> list[ImageFacts]:
        facts = []

        def look_at(number: int) -> Wait | SeenFrame:
            return frames.look_at(number, self._waits.get(number))

        for number, found in zip(numbers, map_in_order(look_at, numbers, self._n_threads, 0), strict=False):
            if isinstance(found, Wait):
                self._waits[number] = found
            else:
                self.early.keep(number, found.stamp, found.searched)
                self._waits.pop(number, None)
                self._facts[number] = found.facts
                facts.append(found.facts)
            if is_over():
                break
        return facts


def pause_after(took: float) -> float:
    """Seconds until the next look at what has come, after one that has taken so many."""
    return max(LOOK, took, min(SHARE * took, LATEST))


def first_searched(waiting: Sequence[int], most: int) -> tuple[list[int], int]:
    """The images that are searched first where there are more than so many, and one in how many the latter half are.

    Half of them are the first ones, that a probe needs without a gap, and half from all that have come, with the last.
    """
    if len(waiting) <= most:
        return list(waiting), 1
    first, rest = waiting[: most - most // 2], waiting[most - most // 2 :]
    every = -(-len(rest) // max(1, most // 2))
    return [*first, *rest[::-every][::-1]], every
